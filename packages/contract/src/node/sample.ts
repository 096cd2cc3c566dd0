// What a workload used between two looks of its node, as the kernel counts it. All containers of the workload together.
import Type, { type Static } from 'typebox'

const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })

export const WorkloadSample = Type.Object({
  key: Type.String({ maxLength: 200 }),
  atMs: Count,
  isReady: Type.Boolean(),
  /** Millionths of a processor in use, on average since the sample before. */
  cpuMicros: Count,
  /** The same unit; absent without a limit. */
  cpuLimitMicros: Type.Optional(Count),
  /** Resident memory without the page cache. */
  memoryBytes: Count,
  memoryLimitBytes: Type.Optional(Count),
  /** Bytes per second that went through to a disk. */
  readBytesPerSecond: Count,
  writtenBytesPerSecond: Count,
})
export type WorkloadSample = Static<typeof WorkloadSample>
