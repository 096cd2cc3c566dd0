// docs/api/README.md: every operation by family, and the faults that any of them can answer.
import { faultEntry } from '@littoral/contract/errors'
import { gatewayFaults } from '@littoral/contract/errors/gateway'
import type { FaultName } from '@littoral/contract/errors'
import { families, operationsOf } from '../families.ts'
import { generatedNote } from './reference.ts'

export function referenceIndex(): string {
  const parts = [
    `${generatedNote}# Operations\n\nEvery operation is sent to \`/\`, signed; [the OpenAPI documents](../../openapi) say the same for programs.`,
  ]
  for (const { name, family } of families) {
    const lines = operationsOf(family).map((operation) => `| [${operation.action}](${operation.action}.md) | ${operation.summary} |`)
    parts.push(
      `## ${family.title}\n\nProduct \`${family.product}\`, version \`${family.version}\`; [${name}.json](../../openapi/${name}.json).`,
      ['| Operation | |\n| --- | --- |', ...lines].join('\n'),
    )
  }
  const faults = (Object.keys(gatewayFaults) as FaultName[]).map((name) => {
    const entry = faultEntry(name)
    return `| \`${entry.code ?? name}\` | ${entry.status} | ${[entry.message, entry.advice].map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`
  })
  parts.push('## Faults of the gateway', ['| Code | Status | Message | What to do |\n| --- | --- | --- | --- |', ...faults].join('\n'))
  return parts.join('\n\n') + '\n'
}
