// The most that each container was seen to use. Fed by the looks that are made for the server, and by looks of its own while
// nobody asks for any. In memory: after a restart of the agent it begins anew.
import type { Peaks } from '@littoral/contract/node/incident'
import type { Runtime, UsageCounters } from '../runtime/runtime.ts'
import { limited } from '../waits.ts'

export interface PeakWatchOptions {
  readonly runtimes: readonly Pick<Runtime, 'usage'>[]
  /** False while nothing runs, which needs no look. */
  readonly isNeeded: () => boolean
  readonly everyMs?: number
}

const lookTimeoutMs = 10_000

export class PeakWatch {
  readonly #options: Required<PeakWatchOptions>
  readonly #peaks = new Map<string, Peaks>()
  readonly #closing = new AbortController()
  #before = new Map<string, UsageCounters>()
  #fedAtMs = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined

  constructor(options: PeakWatchOptions) {
    this.#options = { everyMs: 15_000, ...options }
  }

  start(): void {
    this.#timer = setInterval(() => void this.#look(), this.#options.everyMs)
    this.#timer.unref()
  }

  close(): void {
    this.#closing.abort()
    clearInterval(this.#timer)
  }

  /** Takes what somebody else's look showed. */
  feed(counters: readonly UsageCounters[]): void {
    this.#fedAtMs = performance.now()
    this.#take(counters)
  }

  #take(counters: readonly UsageCounters[]): void {
    for (const now of counters) this.#note(now)
    this.#before = new Map(counters.map((one) => [nameOf(one.instanceId, one.container), one]))
  }

  of(instanceId: string, container: string): Peaks | undefined {
    return this.#peaks.get(nameOf(instanceId, container))
  }

  keepOnly(instanceIds: ReadonlySet<string>): void {
    for (const name of this.#peaks.keys()) if (!instanceIds.has(name.slice(0, name.indexOf('/')))) this.#peaks.delete(name)
  }

  #note(now: UsageCounters): void {
    const name = nameOf(now.instanceId, now.container)
    const peak = this.#peaks.get(name)
    const cpuMicros = rate(this.#before.get(name), now)
    const [mostCpu, mostProcesses] = [most(peak?.cpuMicros, cpuMicros), most(peak?.processes, now.processes)]
    this.#peaks.set(name, {
      memoryBytes: Math.max(peak?.memoryBytes ?? 0, now.memoryBytes),
      ...(now.memoryLimitBytes === undefined ? {} : { memoryLimitBytes: now.memoryLimitBytes }),
      ...(mostCpu === undefined ? {} : { cpuMicros: mostCpu }),
      ...(now.cpuLimitMicros === undefined ? {} : { cpuLimitMicros: now.cpuLimitMicros }),
      ...(mostProcesses === undefined ? {} : { processes: mostProcesses }),
      writtenBytes: Math.max(peak?.writtenBytes ?? 0, now.writtenBytes),
    })
  }

  async #look(): Promise<void> {
    const { runtimes, isNeeded, everyMs } = this.#options
    if (performance.now() - this.#fedAtMs < everyMs * 1.5 || !isNeeded()) return
    // What cannot be read now is read next time; the sampler and the reports say that something is wrong.
    const work = (runtime: Pick<Runtime, 'usage'>) =>
      limited((signal) => runtime.usage(signal), lookTimeoutMs, this.#closing.signal).catch(() => [])
    this.#take((await Promise.all(runtimes.map(work))).flat())
  }
}

// Ids of instances hold no slash.
const nameOf = (instanceId: string, container: string) => `${instanceId}/${container}`

function most(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.max(one, other)
}

function rate(before: UsageCounters | undefined, now: UsageCounters): number | undefined {
  const seconds = before === undefined ? 0 : (now.atMs - before.atMs) / 1000
  const used = before === undefined ? 0 : now.cpuMicroseconds - before.cpuMicroseconds
  return seconds > 0 && used >= 0 ? Math.round(used / seconds) : undefined
}
