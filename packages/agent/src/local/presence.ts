// Whether a driver in a container has a connection to this agent, kept beside its door. Containers go on while no agent is there,
// and some of the vendor's libraries never notice that their connection has ended then: the driver would wait for ever at a
// door that nobody stands at. The next agent knows from here who was connected, and tells of those who do not come back.
import { rmSync, writeFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'

export interface PresenceOptions {
  readonly file: string
  /** For how long a driver may take to come back. */
  readonly patienceMs: number
  /** Of a driver that went on: it was connected before, and has not come back in that time. */
  readonly onSilent: (() => void) | undefined
  readonly log: (line: string) => void
}

export class Presence {
  readonly #options: PresenceOptions
  #isConnected = false
  #isClosed = false
  #timer: NodeJS.Timeout | undefined

  private constructor(options: PresenceOptions) {
    this.#options = options
  }

  static async open(options: PresenceOptions): Promise<Presence> {
    const presence = new Presence(options)
    const wasConnected = await stat(options.file).then(
      () => true,
      () => false,
    )
    if (wasConnected && options.onSilent !== undefined) presence.#timer = setTimeout(() => presence.#silent(), options.patienceMs)
    return presence
  }

  /** Told of every connection that begins or ends; written at once, because the agent may be killed at any moment. */
  changed(isConnected: boolean): void {
    if (isConnected === this.#isConnected || this.#isClosed) return
    this.#isConnected = isConnected
    clearTimeout(this.#timer)
    this.#keep(isConnected)
  }

  /** The agent ends: what is kept stays as it is, whatever is said of connections from now on. */
  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  #keep(isConnected: boolean): void {
    try {
      if (isConnected) writeFileSync(this.#options.file, '', { mode: 0o600 })
      else rmSync(this.#options.file, { force: true })
    } catch (error) {
      this.#options.log(`who is connected cannot be kept: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  #silent(): void {
    // What is started now begins without a connection.
    this.#keep(false)
    this.#options.onSilent?.()
  }
}
