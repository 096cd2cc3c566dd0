// The messages on a node's one WebSocket: JSON text frames, one message each. Streams (logs, exec) are framed here too,
// bounded and flow-controlled by acknowledged bytes. The agent gets these as plain schemas: `npm run generate`.
import Type, { type Static } from 'typebox'
import { DesiredState } from './desired-state.ts'
import { DeviceReport } from './device-report.ts'
import { DiskReport } from './disk.ts'
import { NodeFacts, Report } from './report.ts'
import { WorkloadSample } from './sample.ts'

const Text = (maxLength: number) => Type.String({ maxLength })
const StreamId = Type.String({ minLength: 1, maxLength: 64 })

export const LogsRequest = Type.Object({
  kind: Type.Literal('logs'),
  key: Text(200),
  /** Absent: every container of the group. */
  container: Type.Optional(Text(63)),
  tailLines: Type.Integer({ minimum: 0, maximum: 5000 }),
  follow: Type.Boolean(),
  /** Only what was written at this time or later. */
  sinceMs: Type.Optional(Type.Integer({ minimum: 0 })),
})
export type LogsRequest = Static<typeof LogsRequest>

const Cells = Type.Integer({ minimum: 1, maximum: 1000 })
const Bytes = Type.String({ maxLength: 1_000_000, pattern: '^[A-Za-z0-9+/]*={0,2}$' })

/** A command in a running container of the workload, attached to the stream. */
export const ExecRequest = Type.Object({
  kind: Type.Literal('exec'),
  key: Text(200),
  /** Only in this instance; absent: in the one the node would show. */
  instanceId: Type.Optional(Text(128)),
  /** Absent: the first container of the group. */
  container: Type.Optional(Text(63)),
  command: Type.Array(Text(4096), { minItems: 1, maxItems: 64 }),
  /** True: with a terminal; both outputs are then one. */
  tty: Type.Boolean(),
  columns: Type.Optional(Cells),
  rows: Type.Optional(Cells),
})
export type ExecRequest = Static<typeof ExecRequest>

/** A call of a device through its driver. The one text of the stream is JSON of {code, message, data}; code 0 is success. */
export const CallRequest = Type.Object({
  kind: Type.Literal('call'),
  productKey: Text(64),
  deviceName: Text(64),
  /** A service of the device, or `get` and `set` for its properties. */
  service: Text(64),
  /** JSON text: an object, or a list of names for `get`. */
  params: Text(65_536),
  timeoutMs: Type.Integer({ minimum: 100, maximum: 60_000 }),
})
export type CallRequest = Static<typeof CallRequest>

export const StreamRequest = Type.Union([LogsRequest, ExecRequest, CallRequest])
export type StreamRequest = Static<typeof StreamRequest>

/** Versions that a node serves, and asks the server to answer for: whoever gets the answer has contact. */
const Confirmable = Type.Array(Type.Object({ key: Text(200), digest: Text(64) }), { minItems: 1, maxItems: 2000 })

/** Which agent the node should run from now on; said again on every connection until the node has told the outcome. */
export const UpgradeRequest = Type.Object({
  /** Of this attempt: the same version asked for again has another one. */
  id: Type.String({ minLength: 1, maxLength: 64 }),
  version: Text(64),
  /** Path on the server, as with packages. */
  path: Text(2048),
  sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  sizeBytes: Type.Integer({ minimum: 1, maximum: 64 * 1024 * 1024 }),
  /** Within this time the new agent has to connect and report. */
  confirmSeconds: Type.Integer({ minimum: 1, maximum: 3600 }),
  /** So long its connection has to hold before it counts. */
  holdSeconds: Type.Integer({ minimum: 0, maximum: 600 }),
})
export type UpgradeRequest = Static<typeof UpgradeRequest>
const IncidentId = Type.String({ pattern: '^inc-[0-9a-f]{16}$' })
const Offset = Type.Integer({ minimum: 0, maximum: 1_000_000 })

/** Node → server. */
export const NodeMessage = Type.Union([
  Type.Object({ type: Type.Literal('hello'), protocol: Type.Integer(), generation: Type.Integer({ minimum: 0 }), facts: NodeFacts }),
  Type.Object({ type: Type.Literal('report'), report: Report }),
  Type.Object({ type: Type.Literal('confirm'), workloads: Confirmable }),
  Type.Object({ type: Type.Literal('streamData'), id: StreamId, text: Text(1_000_000) }),
  /** The command runs. Nothing of the kind is said for logs, whose first text says it. */
  Type.Object({ type: Type.Literal('streamOpened'), id: StreamId }),
  /** What a command wrote: bytes, not text. */
  Type.Object({ type: Type.Literal('streamBytes'), id: StreamId, base64: Bytes }),
  Type.Object({ type: Type.Literal('streamInputAck'), id: StreamId, bytes: Type.Integer({ minimum: 0 }) }),
  /** Sent only to a server whose welcome asks for it. */
  Type.Object({
    type: Type.Literal('stats'),
    samples: Type.Array(WorkloadSample, { maxItems: 2000 }),
    /** Every other workload uses about what was told of it last on this connection. Only where the welcome allows it. */
    isRestSame: Type.Optional(Type.Boolean()),
  }),
  /** Sent only to a server whose welcome takes it. */
  Type.Object({ type: Type.Literal('devices'), report: DeviceReport }),
  /** Only to a server whose welcome takes 'disk'. */
  Type.Object({ type: Type.Literal('disk'), disk: DiskReport }),
  /** Answers `retry`. isWaiting: something of the workload waited for its next attempt, and does so no more. */
  Type.Object({ type: Type.Literal('retried'), id: StreamId, isWaiting: Type.Boolean() }),
  /** Only to a server whose welcome takes 'incidents': there is a capsule, gzipped, of this size and digest: the server says from where on it wants it. */
  Type.Object({
    type: Type.Literal('incidentOffer'),
    id: IncidentId,
    sizeBytes: Offset,
    sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  }),
  Type.Object({ type: Type.Literal('incidentPart'), id: IncidentId, offset: Offset, base64: Bytes }),
  Type.Object({
    type: Type.Literal('streamEnd'),
    id: StreamId,
    /** Of a command that ended by itself. */
    exitCode: Type.Optional(Type.Integer()),
    error: Type.Optional(Type.Object({ code: Text(64), message: Text(2000) })),
  }),
  /** How far the upgrade is that the server asked for. Sent only to a server that did. */
  Type.Object({
    type: Type.Literal('upgradeState'),
    id: Text(64),
    state: Type.Enum(['downloading', 'starting', 'trying', 'done', 'failed']),
    reason: Type.Optional(Type.Object({ code: Text(64), message: Text(2000) })),
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
    /** How often the node tells what its workloads use; absent: never. */
    statsEveryMs: Type.Optional(Type.Integer({ minimum: 100 })),
    /** The node need not repeat what has hardly changed. */
    statsMayRest: Type.Optional(Type.Boolean()),
    /** Where log rivers flow to, as log-sink.ts reads it; absent: nowhere, unless the node has a sink of its own. */
    logSink: Type.Optional(Type.Object({ address: Text(2048), headers: Type.Optional(Text(8192)) })),
    /** That this server knows the node's region by no name, and what follows; absent: it does, or it is an older server. */
    regionProblem: Type.Optional(Text(2000)),
    /** Whether the node may tell what devices behind its drivers say; absent: an older server, which would not understand it. */
    takesDevices: Type.Optional(Type.Boolean()),
    /** What this server takes that older ones refuse: 'disk', 'incidents'. A node sends it to no other. */
    takes: Type.Optional(Type.Array(Type.String({ maxLength: 32 }), { maxItems: 16 })),
  }),
  /** Do now what waits for its next attempt. */
  Type.Object({ type: Type.Literal('retry'), id: StreamId, key: Text(200) }),
  /** wanted: from `offset` on · stored · refused: it is of no use, and not to be offered again · later: no room now. */
  Type.Object({
    type: Type.Literal('incidentState'),
    id: IncidentId,
    state: Type.Union([Type.Literal('wanted'), Type.Literal('stored'), Type.Literal('refused'), Type.Literal('later')]),
    offset: Offset,
  }),
  Type.Object({ type: Type.Literal('refused'), code: Text(64), message: Text(2000), isPermanent: Type.Boolean() }),
  Type.Object({ type: Type.Literal('desired'), state: DesiredState }),
  Type.Object({ type: Type.Literal('devicesTaken'), seq: Type.Integer({ minimum: 1 }) }),
  /** The reports before the question are stored, and these are still what the node is to run. */
  Type.Object({ type: Type.Literal('confirmed'), workloads: Confirmable }),
  Type.Object({ type: Type.Literal('upgrade'), upgrade: UpgradeRequest }),
  Type.Object({ type: Type.Literal('streamOpen'), id: StreamId, request: StreamRequest }),
  Type.Object({ type: Type.Literal('streamAck'), id: StreamId, bytes: Type.Integer({ minimum: 0 }) }),
  Type.Object({ type: Type.Literal('streamCancel'), id: StreamId }),
  Type.Object({ type: Type.Literal('streamInput'), id: StreamId, base64: Bytes }),
  Type.Object({ type: Type.Literal('streamResize'), id: StreamId, columns: Cells, rows: Cells }),
])
export type ServerMessage = Static<typeof ServerMessage>
