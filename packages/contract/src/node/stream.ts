// The messages on a node's one WebSocket: JSON text frames, one message each. Streams (logs, exec) are framed here too,
// bounded and flow-controlled by acknowledged bytes. The agent gets these as plain schemas: `npm run generate`.
import Type, { type Static } from 'typebox'
import { DesiredState } from './desired-state.ts'
import { NodeFacts, Report } from './report.ts'

const Text = (maxLength: number) => Type.String({ maxLength })
const StreamId = Type.String({ minLength: 1, maxLength: 64 })

export const LogsRequest = Type.Object({
  kind: Type.Literal('logs'),
  key: Text(200),
  /** Absent: every container of the group. */
  container: Type.Optional(Text(63)),
  tailLines: Type.Integer({ minimum: 0, maximum: 5000 }),
  follow: Type.Boolean(),
})
export type LogsRequest = Static<typeof LogsRequest>

export const StreamRequest = Type.Union([LogsRequest])
export type StreamRequest = Static<typeof StreamRequest>

/** Node → server. */
export const NodeMessage = Type.Union([
  Type.Object({ type: Type.Literal('hello'), protocol: Type.Integer(), generation: Type.Integer({ minimum: 0 }), facts: NodeFacts }),
  Type.Object({ type: Type.Literal('report'), report: Report }),
  Type.Object({ type: Type.Literal('streamData'), id: StreamId, text: Text(1_000_000) }),
  Type.Object({
    type: Type.Literal('streamEnd'),
    id: StreamId,
    error: Type.Optional(Type.Object({ code: Text(64), message: Text(2000) })),
  }),
])
export type NodeMessage = Static<typeof NodeMessage>

/** Server → node. */
export const ServerMessage = Type.Union([
  Type.Object({
    type: Type.Literal('welcome'),
    nodeId: Text(64),
    /** Present when a join token or a gateway's identity was used: the node's own secret from now on, kept with mode 0600. */
    nodeSecret: Type.Optional(Text(128)),
    serverTimeMs: Type.Integer(),
    /** The node is taken for lost when nothing was heard for three of these. */
    heartbeatMs: Type.Integer({ minimum: 100 }),
  }),
  Type.Object({ type: Type.Literal('refused'), code: Text(64), message: Text(2000), isPermanent: Type.Boolean() }),
  Type.Object({ type: Type.Literal('desired'), state: DesiredState }),
  Type.Object({ type: Type.Literal('streamOpen'), id: StreamId, request: StreamRequest }),
  Type.Object({ type: Type.Literal('streamAck'), id: StreamId, bytes: Type.Integer({ minimum: 0 }) }),
  Type.Object({ type: Type.Literal('streamCancel'), id: StreamId }),
])
export type ServerMessage = Static<typeof ServerMessage>
