// The new agent's end of a trial (trial.ts holds the other): says that it has loaded, waits until the folder is free, and
// confirms once its connection has held. Without its parent it ends, unless it has confirmed.
import type { TrialWord } from './trial.ts'
import { trialVariable } from './launch.ts'

export class OnTrial {
  readonly #holdMs: number
  readonly #heard = new Map<TrialWord, () => void>()
  readonly #takeOver: Promise<void>
  readonly #left: Promise<void>
  readonly #stays: Promise<void>
  #timer: NodeJS.Timeout | undefined
  #isConfirmed = false

  constructor(holdSeconds: number) {
    this.#holdMs = holdSeconds * 1000
    this.#takeOver = new Promise((resolve) => this.#heard.set('takeOver', resolve))
    this.#stays = new Promise((resolve) => this.#heard.set('stay', resolve))
    this.#left = new Promise((resolve) => this.#heard.set('leave', resolve))
    process.on('message', (message: { kind?: TrialWord } | null) => this.#heard.get(message?.kind ?? 'ready')?.())
    process.once('disconnect', () => {
      if (!this.#isConfirmed) this.#heard.get('leave')?.()
    })
    // Whoever reads what we write is gone with the parent; that is no reason to crash on the way out.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  }

  get isConfirmed(): boolean {
    return this.#isConfirmed
  }

  /** Resolves with whether to take over; false: to end instead. */
  async ready(): Promise<boolean> {
    this.#say('ready')
    return Promise.race([this.#takeOver.then(() => true), this.#left.then(() => false)])
  }

  /** Resolves when the old agent wants this one to end, or is gone too early. */
  get left(): Promise<void> {
    return this.#left
  }

  /** Resolves when this agent is in charge for good, without being started again. */
  get stays(): Promise<void> {
    return this.#stays
  }

  /** What the agent says of its connection: it confirms when one has held. */
  contact(contact: 'reported' | 'lost'): void {
    if (this.#isConfirmed) return
    if (contact === 'lost') {
      clearTimeout(this.#timer)
      this.#timer = undefined
      return
    }
    this.#timer ??= setTimeout(() => {
      this.#isConfirmed = true
      this.#say('confirmed')
    }, this.#holdMs)
  }

  #say(kind: TrialWord): void {
    if (process.connected) process.send?.({ kind }, () => {})
  }
}

/** Undefined for an agent that was started in the usual way. */
export function joinTrial(environment: NodeJS.ProcessEnv): OnTrial | undefined {
  const text = environment[trialVariable]
  if (text === undefined) return undefined
  delete environment[trialVariable]
  const { holdSeconds } = JSON.parse(text) as { holdSeconds?: unknown }
  return new OnTrial(typeof holdSeconds === 'number' ? holdSeconds : 10)
}
