// The shape of one entry of the error catalogue. Used by the files beside this one.
export interface FaultEntry {
  /** The code on the wire; absent: the entry's own key. May hold `{Name}` places, as in `Missing{Name}`. */
  readonly code?: string
  readonly status: number
  /** Public text. `{Name}` places are filled from the fault's params. */
  readonly message: string
  /** One line for the reference page: what the caller should do. */
  readonly advice: string
}

/** Checks the entries' shape while keeping their keys. */
export function faultEntries<const E extends Record<string, FaultEntry>>(entries: E): { readonly [K in keyof E]: FaultEntry } {
  return entries
}
