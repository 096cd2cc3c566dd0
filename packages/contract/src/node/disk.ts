// What a node says of its disk: how full it is, and what the agent has removed to make room.
import Type, { type Static } from 'typebox'

/** As far as a date goes. */
const Time = Type.Integer({ minimum: 0, maximum: 8_640_000_000_000_000 })
const Bytes = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })

export const DiskReport = Type.Object({
  /** Of the fullest disk that images or packages lie on. */
  totalBytes: Bytes,
  freeBytes: Bytes,
  /** What the images and packages take that this agent brought here. */
  stockBytes: Bytes,
  /** What they may take; absent: as much as leaves a reserve free. */
  budgetBytes: Type.Optional(Bytes),
  /** Room is still short, and nothing is left that may be removed. */
  isShort: Type.Boolean(),
  /** The newest ones, newest first. */
  removed: Type.Array(Type.Object({ name: Type.String({ maxLength: 1024 }), sizeBytes: Bytes, atMs: Time }), { maxItems: 20 }),
})
export type DiskReport = Static<typeof DiskReport>
