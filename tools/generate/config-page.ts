// docs/config.md: every variable of the server, from the table that also reads them.
import { configReference } from '../../packages/server/src/config.ts'
import { generatedNote } from './reference.ts'

export function configPage(): string {
  return (
    [
      `${generatedNote}# Configuration of the server`,
      'Everything has a default that is meant to be right for everyone; set a variable only for a reason. A name that begins with `LITTORAL_` and means nothing to the server is named in the log at the start, so a spelling mistake is seen.',
      configReference(),
      'The agent takes its settings as arguments: `littoral agent --help`.',
    ].join('\n\n') + '\n'
  )
}
