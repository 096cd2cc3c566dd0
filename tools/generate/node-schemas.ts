// packages/contract/src/node/schemas.ts: what the agent checks messages with, as plain text. The agent must not load the
// library that the messages are declared with; it would be a quarter of its memory.
import { DesiredState } from '../../packages/contract/src/node/desired-state.ts'
import { ServerMessage } from '../../packages/contract/src/node/stream.ts'

export function nodeSchemas(): string {
  const messages = ServerMessage.anyOf.map((schema) => {
    const type = schema.properties.type.const
    return [type, type === 'desired' ? { type: 'object', required: ['state'] } : schema] as const
  })
  return `// Generated from desired-state.ts and stream.ts by \`npm run generate\`; edits here are lost. For the agent, which has no room
// for the library that these are declared with.

/** The schema of a desired state, as JSON. */
export const desiredStateSchema =
  ${quoted(DesiredState)}

/** The schemas of what a server says, by message type, as JSON. The state in \`desired\` has its own. */
export const serverMessageSchemas =
  ${quoted(Object.fromEntries(messages))}
`
}

const quoted = (schema: object) => `'${JSON.stringify(schema).replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
