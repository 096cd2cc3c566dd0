// A runtime that takes its time to open: the process runtime ends what an earlier agent left behind and looks for interpreters. The
// others need not wait for it, so it counts as one that cannot be asked until it is open.
import type { Runtime, RuntimeFacts } from './runtime/runtime.ts'

export interface LateRuntime {
  readonly runtime: Runtime
  /** Rejects with the reason why it cannot be opened. */
  readonly opened: Promise<unknown>
}

/** What is said of it meanwhile, to nobody but the planner. */
export const stillOpening = 'it is being opened'

export function openLate(name: string, opening: Promise<Runtime>, mayRun: Runtime['supports']): LateRuntime {
  let open: Runtime | undefined
  const listeners = new Map<() => void, () => void>()
  const opened = opening.then((runtime) => {
    open = runtime
    for (const onChange of listeners.keys()) {
      listeners.set(onChange, runtime.events(onChange))
      onChange()
    }
  })
  // Whoever opened it is told; nobody else has to listen.
  opened.catch(() => {})
  const steps: Omit<Runtime, 'stock'> = {
    name,
    capabilities: async (): Promise<RuntimeFacts> => (await opening).capabilities(),
    supports: (workload) => (open === undefined ? mayRun(workload) : open.supports(workload)),
    async observe(signal) {
      if (open === undefined) throw new Error(stillOpening)
      return open.observe(signal)
    },
    prepare: async (...args) => (await opening).prepare(...args),
    start: async (...args) => (await opening).start(...args),
    activate: async (...args) => (await opening).activate(...args),
    restart: async (...args) => (await opening).restart(...args),
    updateConfig: async (...args) => (await opening).updateConfig(...args),
    stop: async (...args) => (await opening).stop(...args),
    remove: async (...args) => (await opening).remove(...args),
    events(onChange) {
      listeners.set(onChange, open?.events(onChange) ?? (() => {}))
      return () => {
        listeners.get(onChange)?.()
        listeners.delete(onChange)
      }
    },
    async *logs(...args) {
      yield* (await opening).logs(...args)
    },
    exec: async (...args) => (await opening).exec(...args),
    usage: async (signal) => (open === undefined ? [] : open.usage(signal)),
    tidy: async (...args) => (await opening).tidy(...args),
    close: async () =>
      opening.then(
        (opened) => opened.close(),
        () => {},
      ),
  }
  // Absent until it is open, as that of a runtime that keeps nothing.
  const runtime = Object.defineProperty(steps, 'stock', { enumerable: true, get: () => open?.stock }) as Runtime
  return { runtime, opened }
}
