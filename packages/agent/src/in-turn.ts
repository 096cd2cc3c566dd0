// Work that must not overlap: each begins when the one before it is over, however that ended.

export type InTurn = <T>(work: () => Promise<T>) => Promise<T>

export function oneAfterAnother(): InTurn {
  let before: Promise<unknown> = Promise.resolve()
  return (work) => {
    const done = before.then(work)
    before = done.catch(() => undefined)
    return done
  }
}
