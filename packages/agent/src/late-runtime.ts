// A runtime that takes its time to open: the process runtime ends what an earlier agent left behind and looks for interpreters. The
// others need not wait for it, so it counts as one that cannot be asked until it is open.
import type { Workload } from '@littoral/contract/node/desired-state'
import type { Runtime } from './runtime/runtime.ts'

export interface LateRuntime {
  readonly runtime: Runtime
  /** Begins to open it; again: waits for the same opening. Rejects with the reason why it cannot be opened. */
  readonly open: () => Promise<void>
}

/** What is said of it meanwhile, to nobody but the planner. */
export const stillOpening = 'it is being opened'

interface Opening {
  /** Rejects before anybody began to open it. */
  readonly whenOpen: () => Promise<Runtime>
  readonly now: () => Runtime | undefined
  readonly isBegun: () => boolean
}

/** `mayRun`: what is likely to be supported, for as long as nobody knows. */
export function lateRuntime(name: string, openIt: () => Promise<Runtime>, mayRun: Runtime['supports']): LateRuntime {
  let isOpen: Runtime | undefined
  let opening: Promise<Runtime> | undefined
  const listeners = new Map<() => void, () => void>()
  const whenOpen = async () => {
    if (opening === undefined) throw new Error(`the runtime ${name} was not opened`)
    return opening
  }
  const open = async () => {
    opening ??= openIt()
    const runtime = await opening
    if (isOpen !== undefined) return
    isOpen = runtime
    for (const onChange of listeners.keys()) {
      listeners.set(onChange, runtime.events(onChange))
      onChange()
    }
  }
  const events = (onChange: () => void) => {
    listeners.set(onChange, isOpen?.events(onChange) ?? (() => {}))
    return () => {
      listeners.get(onChange)?.()
      listeners.delete(onChange)
    }
  }
  const state: Opening = { whenOpen, now: () => isOpen, isBegun: () => opening !== undefined }
  const expect = (workload: Workload) => isOpen?.expect?.(workload)
  const runtime = { name, events, supports: mayRunUntilOpen(state, mayRun), expect, ...looks(state), ...steps(state) }
  // Absent until it is open, as that of a runtime that keeps nothing.
  Object.defineProperty(runtime, 'stock', { enumerable: true, get: () => isOpen?.stock })
  return { runtime, open }
}

function mayRunUntilOpen({ now }: Opening, mayRun: Runtime['supports']): Runtime['supports'] {
  return (workload) => now()?.supports(workload) ?? mayRun(workload)
}

/** What can be done without it being open, as far as it goes. */
function looks({ now, isBegun, whenOpen }: Opening): Pick<Runtime, 'observe' | 'usage' | 'tidy' | 'close'> {
  return {
    async observe(signal) {
      const runtime = now()
      if (runtime === undefined) throw new Error(stillOpening)
      return runtime.observe(signal)
    },
    usage: async (signal) => now()?.usage(signal) ?? [],
    tidy: async (...args) => now()?.tidy(...args),
    async close() {
      if (isBegun()) await (await whenOpen().catch(() => undefined))?.close()
    },
  }
}

type Steps = 'capabilities' | 'prepare' | 'start' | 'activate' | 'restart' | 'updateConfig' | 'stop' | 'remove' | 'logs' | 'exec'

/** What waits until it is open. */
function steps({ whenOpen }: Opening): Pick<Runtime, Steps> {
  return {
    capabilities: async () => (await whenOpen()).capabilities(),
    prepare: async (...args) => (await whenOpen()).prepare(...args),
    start: async (...args) => (await whenOpen()).start(...args),
    activate: async (...args) => (await whenOpen()).activate(...args),
    restart: async (...args) => (await whenOpen()).restart(...args),
    updateConfig: async (...args) => (await whenOpen()).updateConfig(...args),
    stop: async (...args) => (await whenOpen()).stop(...args),
    remove: async (...args) => (await whenOpen()).remove(...args),
    async *logs(...args) {
      yield* (await whenOpen()).logs(...args)
    },
    exec: async (...args) => (await whenOpen()).exec(...args),
  }
}
