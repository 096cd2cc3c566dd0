// The incident capsule: what a node keeps of a failure, in one bounded file. Values of environment variables are in none of
// its fields: the node takes them out before it writes the file (agent/src/incidents/mask.ts).
import Type, { type Static } from 'typebox'
import { Reason } from './report.ts'

const Text = (maxLength: number) => Type.String({ maxLength })
/** As far as a date goes. */
const Time = Type.Integer({ minimum: 0, maximum: 8_640_000_000_000_000 })
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })

export const ProbeResult = Type.Object({ atMs: Time, tookMs: Count, isSuccess: Type.Boolean(), output: Text(300) })
export type ProbeResult = Static<typeof ProbeResult>

/** The most that was seen since the container was started; a look every few seconds misses what is shorter. */
export const Peaks = Type.Object({
  memoryBytes: Count,
  memoryLimitBytes: Type.Optional(Count),
  /** Millionths of a processor. */
  cpuMicros: Type.Optional(Count),
  cpuLimitMicros: Type.Optional(Count),
  processes: Type.Optional(Count),
  /** Written through to a disk since the start. */
  writtenBytes: Count,
})
export type Peaks = Static<typeof Peaks>

export const IncidentContainer = Type.Object({
  name: Text(63),
  state: Type.Union([Type.Literal('waiting'), Type.Literal('running'), Type.Literal('exited')]),
  restarts: Count,
  exitCode: Type.Optional(Type.Integer()),
  isOutOfMemory: Type.Optional(Type.Boolean()),
  image: Type.Optional(Text(1024)),
  imageDigest: Type.Optional(Text(128)),
  startedAtMs: Type.Optional(Time),
  exitedAtMs: Type.Optional(Time),
  peaks: Type.Optional(Peaks),
  /** Oldest first. */
  probes: Type.Array(ProbeResult, { maxItems: 30 }),
  lines: Type.Array(Text(1000), { maxItems: 200 }),
})
export type IncidentContainer = Static<typeof IncidentContainer>

/** One place where the version differs from the one before; a side is absent where the place is. */
export const SpecChange = Type.Object({ path: Text(300), before: Type.Optional(Text(300)), after: Type.Optional(Text(300)) })
export type SpecChange = Static<typeof SpecChange>

export const Incident = Type.Object({
  /** Made by the node, unique on it. */
  id: Type.String({ pattern: '^inc-[0-9a-f]{16}$' }),
  key: Text(200),
  version: Text(128),
  digest: Text(64),
  /** failed: it exited, lost its readiness or cannot be run · rolledBack: another version took its place before it worked. */
  kind: Type.Union([Type.Literal('failed'), Type.Literal('rolledBack')]),
  reason: Reason,
  atMs: Time,
  instanceId: Type.Optional(Text(128)),
  restarts: Count,
  containers: Type.Array(IncidentContainer, { maxItems: 64 }),
  /** What was tried in vain, such as pulling an image. */
  attempts: Type.Array(Type.Object({ step: Text(32), failures: Count, reason: Reason, failedAtMs: Time }), { maxItems: 20 }),
  /** The version that ran here before. */
  previousVersion: Type.Optional(Text(128)),
  changes: Type.Array(SpecChange, { maxItems: 200 }),
  /** Something was left out to keep within the bounds. */
  isCut: Type.Boolean(),
})
export type Incident = Static<typeof Incident>
