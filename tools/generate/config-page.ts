// docs/config.md: every variable of the server and every setting of the agent, from the tables that also read them.
import { agentReference } from '../../packages/agent/src/config.ts'
import { engineVariables } from '../../packages/agent/src/runtime/engine/settings.ts'
import { configReference } from '../../packages/server/src/config.ts'
import { generatedNote } from './reference.ts'

export function configPage(): string {
  return (
    [
      `${generatedNote}# Configuration`,
      'Everything has a default that is meant to be right for everyone; set a variable only for a reason.',
      '## Server',
      'A name that begins with `LITTORAL_` and means nothing to server, agent or command line is named in the log of the server at the start, so a spelling mistake is seen.',
      configReference(),
      '## Agent',
      'The agent takes its settings as arguments of `littoral agent` or from the environment; an argument wins.',
      agentReference(),
      'Where it runs containers, these can be set in the environment:',
      engineReference(),
    ].join('\n\n') + '\n'
  )
}

function engineReference(): string {
  const rows = engineVariables.map(({ name, usual, meaning }) => `| \`${name}\` | \`${usual}\` | ${meaning} |`)
  return ['| Variable | Default | Meaning |', '| --- | --- | --- |', ...rows].join('\n')
}
