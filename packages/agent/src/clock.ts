// Time for the agent. The machine's clock may jump by years: a battery that is empty, a first answer of a time server. What is
// measured here (pauses, deadlines, bake times) goes by a clock that only moves forward at its own pace; what is signed goes by
// the server's, once that is known.
export interface ClockOptions {
  /** The machine's clock, which may jump. */
  readonly wallMs?: () => number
  /** Counts without jumps from any beginning. */
  readonly monotonicMs?: () => number
}

/** A clock this far from the server's is said to be wrong; signatures may be off by three times as much. */
const toleratedMs = 5 * 60_000

export class Clock {
  readonly #wallMs: () => number
  readonly #monotonicMs: () => number
  readonly #startedAtMs: number
  #offsetMs: number | undefined

  constructor({ wallMs = Date.now, monotonicMs = () => performance.now() }: ClockOptions = {}) {
    this.#wallMs = wallMs
    this.#monotonicMs = monotonicMs
    this.#startedAtMs = wallMs() - monotonicMs()
  }

  /** Begins at the machine's time and never jumps. */
  readonly steadyMs = (): number => this.#startedAtMs + this.#monotonicMs()

  readonly wallMs = (): number => this.#wallMs()

  /** The server's time as far as it is known, else the machine's; whole milliseconds, as it is signed. */
  readonly bestMs = (): number => Math.round(this.#offsetMs === undefined ? this.#wallMs() : this.steadyMs() + this.#offsetMs)

  /** True when it tells something new: what was signed before was signed with a wrong time. */
  noteServerTime(serverMs: number): boolean {
    const isNews = Math.abs(serverMs - this.bestMs()) > toleratedMs
    this.#offsetMs = serverMs - this.steadyMs()
    return isNews
  }

  /** What is wrong with the machine's clock now, as a sentence. */
  problem(): string | undefined {
    if (this.#offsetMs === undefined) return undefined
    const aheadMs = this.#wallMs() - this.bestMs()
    if (Math.abs(aheadMs) <= toleratedMs) return undefined
    return `the clock of this machine is ${inWords(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead of' : 'behind'} the server's`
  }

  /**
   * Where a moment of the machine's clock lies on the steady one. One in the future was written before the clock was set back,
   * and counts as now.
   */
  toSteadyMs(wallMs: number): number {
    return this.steadyMs() - Math.max(0, this.#wallMs() - wallMs)
  }
}

function inWords(ms: number): string {
  const units = [
    ['year', 365 * 86_400_000],
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
  ] as const
  const [name, size] = units.find(([, unitMs]) => ms >= 2 * unitMs) ?? ['minute', 60_000]
  return `${Math.round(ms / size)} ${name}s`
}
