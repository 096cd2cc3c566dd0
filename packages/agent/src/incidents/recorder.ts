// Keeps the evidence when a workload fails or is rolled back: looks at every status, and writes a capsule for what is an
// incident. Capsules are made one after the other, and an instance is not deleted before its own is made.
import type { Workload } from '@littoral/contract/node/desired-state'
import type { Look } from '../hooks.ts'
import { pause } from '../waits.ts'
import type { CaptureSources } from './capture.ts'
import { failed, fingerprint, type Happening, nextSeen, quietMs, rolledBack, type Seen } from './detect.ts'
import type { IncidentFiles } from './files.ts'

export interface RecorderOptions extends CaptureSources {
  readonly files: Pick<IncidentFiles, 'save' | 'all'>
  readonly isGood: (key: string, digest: string) => boolean
  /** A capsule lies on the disk. */
  readonly onRecorded: () => void
  readonly log: (line: string) => void
}

interface Told {
  readonly times: number
  readonly atMs: number
}

/** Waiting to be made; a storm of failures must not become a storm of capsules. */
const mostWaiting = 8
const mostTold = 1000
const leavingTimeoutMs = 8000

export class IncidentRecorder {
  readonly #options: RecorderOptions
  readonly #seen = new Map<string, Seen>()
  readonly #told = new Map<string, Told>()
  /** Instances whose evidence is being gathered. */
  readonly #underWay = new Map<string, Promise<void>>()
  readonly #closing = new AbortController()
  #waiting = 0
  #last: Promise<void> = Promise.resolve()

  private constructor(options: RecorderOptions) {
    this.#options = options
  }

  /** What lies on the disk was told already. */
  static async open(options: RecorderOptions): Promise<IncidentRecorder> {
    const recorder = new IncidentRecorder(options)
    for (const incident of await options.files.all()) recorder.#noteTold(fingerprint(incident), incident.atMs)
    return recorder
  }

  looked(look: Look): void {
    const nowMs = this.#options.now()
    const reports = new Map(look.reports.map((report) => [report.key, report]))
    for (const workload of look.desired) {
      const report = reports.get(workload.key)
      if (report === undefined) continue
      const before = this.#seen.get(workload.key)
      const seen = nextSeen(before, workload, report, nowMs)
      this.#seen.set(workload.key, seen)
      const happened = rolledBack(before, workload, (digest) => this.#options.isGood(workload.key, digest)) ?? failed(seen, nowMs)
      if (happened !== undefined) this.#record(happened, look)
    }
    const wanted = new Set(look.desired.map(({ key }: Workload) => key))
    for (const key of this.#seen.keys()) if (!wanted.has(key)) this.#seen.delete(key)
  }

  /** Waits until the evidence of an instance that is about to be deleted is safe, but not for ever. */
  async leaving(instanceId: string): Promise<void> {
    const making = this.#underWay.get(instanceId)
    if (making === undefined) return
    const over = new AbortController()
    await Promise.race([making, pause(leavingTimeoutMs, over.signal)])
    over.abort()
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the agent stops'))
    await this.#last
  }

  #record(happened: Happening, look: Look): void {
    const { workload, report, kind, reason } = happened
    const nowMs = this.#options.now()
    const { instanceId } = report
    const mark = fingerprint({ ...workload, kind, reason, ...(instanceId === undefined ? {} : { instanceId }) })
    const told = this.#told.get(mark)
    const isQuiet = told !== undefined && nowMs >= told.atMs && nowMs - told.atMs < quietMs(told.times)
    if (isQuiet || this.#waiting >= mostWaiting || this.#closing.signal.aborted) return
    this.#noteTold(mark, nowMs)
    this.#waiting += 1
    const making = this.#last.then(() => this.#make(happened, look))
    this.#last = making
    if (instanceId !== undefined) this.#underWay.set(instanceId, making)
    void making.then(() => {
      this.#waiting -= 1
      if (instanceId !== undefined && this.#underWay.get(instanceId) === making) this.#underWay.delete(instanceId)
    })
  }

  async #make(happened: Happening, look: Look): Promise<void> {
    const { files, log, onRecorded } = this.#options
    const { key } = happened.workload
    try {
      // Most nodes never need it.
      const { capture } = await import('./capture.ts')
      const incident = await capture(happened, look, this.#options, this.#closing.signal)
      await files.save(incident)
      log(`incident ${incident.id}: ${key}: ${incident.reason.code}; its evidence is kept`)
      onRecorded()
    } catch (error) {
      log(`the evidence of ${key} could not be kept: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  #noteTold(mark: string, atMs: number): void {
    const times = (this.#told.get(mark)?.times ?? 0) + 1
    // The oldest marks go first: a Map keeps the order of what was set.
    this.#told.delete(mark)
    this.#told.set(mark, { times, atMs })
    for (const oldest of this.#told.keys()) {
      if (this.#told.size <= mostTold) break
      this.#told.delete(oldest)
    }
  }
}
