// Work that must not overlap: one piece after the other. Used by object-store.ts and package.ts.

export type InTurn = <T>(work: () => Promise<T>) => Promise<T>

/** Runs one after the other, whatever becomes of each. */
export function openTurns(): InTurn {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const turn = last.then(work)
    last = turn.catch(() => {})
    return turn
  }
}
