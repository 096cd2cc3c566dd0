// Brings the node the agent that the server asks for, up to the moment where the old one hands over: download, digest, start
// beside. One for the life of the process, over all connections. What failed is remembered on disk by the attempt's id, so
// that it is told on every later connection and never tried again by itself.
import type { UpgradeRequest } from '@littoral/contract/node/stream'
import type { OpenObject } from '../objects.ts'
import { download } from '../packages/download.ts'
import { StepError } from '../runtime/runtime.ts'
import type { TellUpgrade } from '../session.ts'
import { pause } from '../waits.ts'
import { type Failure, isIntact, readKept, tidyVersions, versionPath, writeKept } from './kept.ts'
import { Trial, type TrialEnd } from './trial.ts'

export interface UpgraderOptions {
  readonly dataDir: string
  /** Arguments of the agent, which the new one gets as well. */
  readonly args: readonly string[]
  /** Digest of the agent that runs now, where it is a single file. */
  readonly ownDigest: string | undefined
  /** While this agent is on trial itself it neither claims to be done nor takes up anything else. */
  readonly isOnTrial: () => boolean
  readonly log: (line: string) => void
  readonly firstPauseMs?: number
}

/** A new agent that has loaded and waits for the folder. */
export interface HandOver {
  readonly request: UpgradeRequest
  readonly trial: Trial
}

interface Ways {
  readonly tell: TellUpgrade
  readonly openObject: OpenObject
}

const longestPauseMs = 60_000
const mostDownloads = 8
const mostCorrupt = 2
/** A machine that loses its power during every attempt must not go on for ever. */
const mostBegun = 3

export class Upgrader {
  readonly #options: Required<UpgraderOptions>
  readonly #closing = new AbortController()
  #tell: TellUpgrade = () => {}
  #state: 'downloading' | 'starting' | 'trying' = 'downloading'
  #current: string | undefined
  #next: { readonly request: UpgradeRequest; readonly ways: Ways } | undefined
  #work: Promise<void> = Promise.resolve()
  #trial: Trial | undefined
  #offer: (handOver: HandOver) => void = () => {}

  constructor(options: UpgraderOptions) {
    this.#options = { firstPauseMs: 1000, ...options }
  }

  /** Resolves with the next new agent that is ready to take over. */
  next(): Promise<HandOver> {
    return new Promise((resolve) => (this.#offer = resolve))
  }

  /** Takes what the server asks for; called again on every connection. */
  take(request: UpgradeRequest, { tell, openObject }: Ways): void {
    const { ownDigest, isOnTrial } = this.#options
    if (isOnTrial()) {
      this.#tell = tell
      return tell('trying')
    }
    if (ownDigest === request.sha256) return tell('done')
    if (this.#current === request.id) {
      this.#tell = tell
      return tell(this.#state)
    }
    // Another one is under way; it ends first.
    if (this.#current !== undefined) {
      this.#next = { request, ways: { tell, openObject } }
      return
    }
    this.#current = request.id
    this.#tell = tell
    this.#work = this.#begin(request, openObject).catch((error: unknown) => this.failed(request, toFailure(error)))
  }

  /** The agent that was on trial, which is this one, stays. */
  inCharge(): void {
    this.#tell('done')
  }

  /** Notes that the old agent goes on, and why. */
  async failed({ id, version }: UpgradeRequest, { code, message }: Omit<Failure, 'id'>): Promise<void> {
    const { dataDir, log } = this.#options
    log(`the upgrade to ${version} failed: ${code}: ${message}`)
    this.#trial = undefined
    try {
      const { trying: _trying, ...kept } = await readKept(dataDir)
      const state = { ...kept, failures: [...kept.failures.filter((failure) => failure.id !== id), { id, code, message }] }
      await writeKept(dataDir, state)
      await tidyVersions(dataDir, state)
    } catch (error) {
      log(`the failed upgrade could not be noted: ${error instanceof Error ? error.message : String(error)}`)
    }
    this.#current = undefined
    this.#tell('failed', { code: code.slice(0, 64), message: message.slice(0, 2000) })
    const next = this.#next
    this.#next = undefined
    if (next && !this.#closing.signal.aborted) this.take(next.request, next.ways)
  }

  /** From now on every start takes the new version. */
  async confirmed({ version, sha256 }: UpgradeRequest): Promise<void> {
    const { dataDir, log } = this.#options
    const { trying: _trying, ...kept } = await readKept(dataDir)
    const previous = kept.confirmed?.sha256 === sha256 ? kept.previous : kept.confirmed
    const state = { ...kept, confirmed: { version, sha256 }, ...(previous === undefined ? {} : { previous }) }
    await writeKept(dataDir, state)
    await tidyVersions(dataDir, state)
    log(`the agent ${version} has confirmed and is in charge`)
  }

  /** Ends what is under way; a new agent that waits is ended, too. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#trial?.end()
    await this.#work
  }

  async #begin(request: UpgradeRequest, openObject: OpenObject): Promise<void> {
    const { dataDir, args, log } = this.#options
    const kept = await readKept(dataDir)
    const known = kept.failures.find(({ id }) => id === request.id)
    if (known) {
      this.#current = undefined
      return this.#tell('failed', { code: known.code, message: known.message })
    }
    const begun = kept.trying?.id === request.id ? kept.trying.count : 0
    if (begun >= mostBegun) throw new StepError('Interrupted', `the upgrade was interrupted ${begun} times`)
    this.#enter('downloading')
    await this.#download(request, openObject)
    if (this.#closing.signal.aborted) return
    this.#enter('starting')
    await writeKept(dataDir, { ...kept, trying: { id: request.id, count: begun + 1 } })
    const { version, sha256, holdSeconds } = request
    const onLine = (line: string) => log(`[${version}] ${line}`)
    const trial = new Trial({ path: versionPath(dataDir, sha256), dataDir, args, holdSeconds, log: onLine })
    this.#trial = trial
    const end = await trial.ready()
    if (this.#closing.signal.aborted) return
    if (!end.isConfirmed) return this.failed(request, end)
    this.#enter('trying')
    this.#offer({ request, trial })
  }

  async #download(request: UpgradeRequest, openObject: OpenObject): Promise<void> {
    const { dataDir, firstPauseMs, log } = this.#options
    const { signal } = this.#closing
    const { path, sha256, sizeBytes, version } = request
    const target = versionPath(dataDir, sha256)
    let corrupt = 0
    for (let attempt = 1; ; attempt += 1) {
      try {
        await download({ subject: `agent ${version}`, path, sha256, sizeBytes, target }, openObject, signal, () => {})
        if (await isIntact(dataDir, { version, sha256 })) return
        throw new StepError('DownloadCorrupt', `${path}: the file on the disk is not what was downloaded`)
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof StepError && error.code === 'DownloadCorrupt') corrupt += 1
        const isHopeless = error instanceof StepError && error.isStalled
        if (isHopeless || corrupt >= mostCorrupt || attempt >= mostDownloads) throw error
        log(`upgrade to ${version}: ${error instanceof Error ? error.message : String(error)}; it is tried again`)
        await pause(Math.min(longestPauseMs, firstPauseMs * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2), signal)
      }
    }
  }

  #enter(state: 'downloading' | 'starting' | 'trying'): void {
    this.#state = state
    this.#tell(state)
  }
}

function toFailure(error: unknown): Extract<TrialEnd, { isConfirmed: false }> {
  const code = error instanceof StepError ? error.code : 'Unexpected'
  return { isConfirmed: false, code, message: error instanceof Error ? error.message : String(error) }
}
