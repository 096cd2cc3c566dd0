// What workloads use, told to a server that asks for it. Counters become rates here: a rate needs two looks, so a container
// counts from the second one on, and one that was restarted in between counts again from its next.
import type { WorkloadSample } from '@littoral/contract/node/sample'
import type { Runtime, UsageCounters } from './runtime/runtime.ts'
import { limited } from './waits.ts'

export interface SamplerOptions {
  readonly runtimes: readonly Pick<Runtime, 'name' | 'usage'>[]
  readonly isReady: (key: string) => boolean
  readonly log: (line: string) => void
  /** Told of every look. */
  readonly onCounters?: (counters: readonly UsageCounters[]) => void
}

const lookTimeoutMs = 10_000
/** As many as one message may hold. */
const mostSamples = 2000

export class Sampler {
  readonly #options: SamplerOptions
  readonly #abort = new AbortController()
  #before = new Map<string, UsageCounters>()
  #send: ((samples: WorkloadSample[], isRestSame?: boolean) => void) | undefined
  #mayRest = false
  /** What the server was told last of each workload, over this connection. */
  #told: Map<string, WorkloadSample> | undefined
  #timer: NodeJS.Timeout | undefined
  #isLooking = false
  #problem = ''

  constructor(options: SamplerOptions) {
    this.#options = options
  }

  /**
   * Looks at once and then as often as that; until it is stopped, `send` gets what was seen. With `mayRest` only what has
   * changed by more than a little since it was told: on a quiet node that is most of what it would ever say.
   */
  start(everyMs: number, send: (samples: WorkloadSample[], isRestSame?: boolean) => void, mayRest = false): void {
    this.#send = send
    this.#mayRest = mayRest
    this.#told = undefined
    clearInterval(this.#timer)
    const look = () => {
      if (this.#isLooking) return
      this.#isLooking = true
      void this.#look().finally(() => (this.#isLooking = false))
    }
    this.#timer = setInterval(look, everyMs)
    this.#timer.unref()
    look()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#send = undefined
  }

  async #look(): Promise<void> {
    const counters: UsageCounters[] = []
    for (const runtime of this.#options.runtimes) {
      try {
        counters.push(...(await limited((signal) => runtime.usage(signal), lookTimeoutMs, this.#abort.signal)))
        this.#problem = ''
      } catch (error) {
        this.#say(`what ${runtime.name} uses cannot be read: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
    this.#options.onCounters?.(counters)
    const samples = toSamples(counters, this.#before, this.#options.isReady)
    this.#before = new Map(counters.map((one) => [nameOf(one), one]))
    this.#tell(samples.slice(0, mostSamples))
  }

  #tell(samples: WorkloadSample[]): void {
    if (!this.#mayRest) {
      if (samples.length > 0) this.#send?.(samples)
      return
    }
    const told = this.#told
    const isRestSame = told?.size === samples.length && samples.every(({ key }) => told.has(key))
    if (samples.length === 0 && (told === undefined || isRestSame)) return
    const changed = isRestSame ? samples.filter((sample) => !isAlike(told?.get(sample.key), sample)) : samples
    this.#told = new Map([...(isRestSame ? (told ?? []) : []), ...changed.map((sample) => [sample.key, sample] as const)])
    this.#send?.(changed, isRestSame)
  }

  #say(problem: string): void {
    if (problem !== this.#problem) this.#options.log(problem)
    this.#problem = problem
  }
}

/** Whether the difference would be seen in no graph: compared with what was told, so it never adds up. */
function isAlike(told: WorkloadSample | undefined, now: WorkloadSample): boolean {
  if (told?.isReady !== now.isReady) return false
  if (told.cpuLimitMicros !== now.cpuLimitMicros || told.memoryLimitBytes !== now.memoryLimitBytes) return false
  const isNear = (one: number, other: number, least: number) => Math.abs(one - other) <= Math.max(least, one * 0.05)
  return (
    isNear(told.cpuMicros, now.cpuMicros, 2000) &&
    isNear(told.memoryBytes, now.memoryBytes, 512 * 1024) &&
    isNear(told.readBytesPerSecond, now.readBytesPerSecond, 1024) &&
    isNear(told.writtenBytesPerSecond, now.writtenBytesPerSecond, 1024)
  )
}

const nameOf = ({ instanceId, container }: UsageCounters) => `${instanceId}/${container}`

/** One sample per workload; while a new version starts beside the old one, both instances count. */
export function toSamples(
  counters: readonly UsageCounters[],
  before: ReadonlyMap<string, UsageCounters>,
  isReady: (key: string) => boolean,
): WorkloadSample[] {
  const byKey = new Map<string, WorkloadSample[]>()
  for (const now of counters) {
    const earlier = before.get(nameOf(now))
    const sample = earlier === undefined ? undefined : between(earlier, now, isReady(now.key))
    if (sample !== undefined) byKey.set(now.key, [...(byKey.get(now.key) ?? []), sample])
  }
  return [...byKey.values()].map((samples) => samples.reduce(plus))
}

/** Undefined when the counters began anew. */
function between(earlier: UsageCounters, now: UsageCounters, isReady: boolean): WorkloadSample | undefined {
  const seconds = (now.atMs - earlier.atMs) / 1000
  const cpu = now.cpuMicroseconds - earlier.cpuMicroseconds
  const [read, written] = [now.readBytes - earlier.readBytes, now.writtenBytes - earlier.writtenBytes]
  if (seconds <= 0 || cpu < 0 || read < 0 || written < 0) return undefined
  return {
    ...{ key: now.key, atMs: now.atMs, isReady, memoryBytes: now.memoryBytes },
    cpuMicros: Math.round(cpu / seconds),
    ...(now.cpuLimitMicros === undefined ? {} : { cpuLimitMicros: now.cpuLimitMicros }),
    ...(now.memoryLimitBytes === undefined ? {} : { memoryLimitBytes: now.memoryLimitBytes }),
    readBytesPerSecond: Math.round(read / seconds),
    writtenBytesPerSecond: Math.round(written / seconds),
  }
}

function plus(one: WorkloadSample, other: WorkloadSample): WorkloadSample {
  const { cpuLimitMicros, memoryLimitBytes, ...rest } = one
  const hasCpuLimit = cpuLimitMicros !== undefined && other.cpuLimitMicros !== undefined
  const hasMemoryLimit = memoryLimitBytes !== undefined && other.memoryLimitBytes !== undefined
  return {
    ...rest,
    cpuMicros: one.cpuMicros + other.cpuMicros,
    ...(hasCpuLimit ? { cpuLimitMicros: cpuLimitMicros + (other.cpuLimitMicros ?? 0) } : {}),
    memoryBytes: one.memoryBytes + other.memoryBytes,
    ...(hasMemoryLimit ? { memoryLimitBytes: memoryLimitBytes + (other.memoryLimitBytes ?? 0) } : {}),
    readBytesPerSecond: one.readBytesPerSecond + other.readBytesPerSecond,
    writtenBytesPerSecond: one.writtenBytesPerSecond + other.writtenBytesPerSecond,
  }
}
