// Table type of objects that nothing uses, created by migrations/0017-leftovers.ts.

export interface LeftoverRow {
  /** `key`: a row of `objects`. `blob`: bytes, by their SHA-256. */
  kind: string
  name: string
  /** When it was first seen that nothing uses it. */
  since_ms: number
}

export interface LeftoversTables {
  object_leftovers: LeftoverRow
}
