// Opens the log river when there is something to collect and a sink to take it to, and not before: a node without either pays
// nothing for it. The sink is this agent's own (--log-sink), else the one the server names; that one is kept on disk, so that records
// flow also while the server is away.
import { access, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DesiredState } from '@littoral/contract/node/desired-state'
import { type LogSink, parseLogSink, parseSinkHeaders, type SinkHeaders } from '@littoral/contract/node/log-sink'
import { readIfPresent, writeAtomically } from '../files.ts'
import type { OutputPort } from '../runtime/runtime.ts'
import type { RiverNode } from './records.ts'
import type { LogRiver, RiverOptions, Wish } from './river.ts'

/** A sink as it is written; see the contract's node/log-sink.ts. */
export interface WrittenSink {
  readonly address: string
  readonly headers?: string | undefined
}

export interface GateOptions {
  readonly folder: string
  readonly spoolBytes: number
  /** Of this agent; what the server names is then not looked at. */
  readonly sink?: WrittenSink | undefined
  readonly node: RiverNode
  readonly port: OutputPort | undefined
  readonly log: (line: string) => void
  readonly river?: Pick<RiverOptions, 'everyMs' | 'sender'>
}

interface Target {
  readonly written: string
  readonly sink: LogSink
  readonly headers: SinkHeaders
}

const retryMs = 30_000

export class RiverGate {
  readonly #options: GateOptions
  #river: LogRiver | undefined
  #wishes: ReadonlyMap<string, Wish> = new Map()
  #present: ReadonlySet<string> = new Set()
  #sinceMs = 0
  #told: WrittenSink | undefined
  #isToldRead = false
  #flowing = ''
  #work: Promise<void> = Promise.resolve()
  #retry: NodeJS.Timeout | undefined
  #isClosing = false
  #said = ''

  constructor(options: GateOptions) {
    this.#options = options
  }

  /** Collects what the desired state asks for; `sinceMs`: when it came, which is before anything of it was started. */
  want(state: DesiredState | undefined, sinceMs = Date.now()): void {
    this.#present = new Set(state?.workloads.map(({ key }) => key))
    this.#sinceMs = sinceMs
    const groups = (state?.workloads ?? []).flatMap((workload) => (workload.kind === 'group' && workload.logs ? [workload] : []))
    this.#wishes = new Map(groups.map(({ key, logs }) => [key, { isStdout: logs?.stdout ?? false, path: logs?.path ?? '' }]))
    this.#update()
  }

  /** The sink that the server names now, or that it names none. */
  hear(told: WrittenSink | undefined): void {
    if (this.#options.sink !== undefined) return
    if (this.#isToldRead && JSON.stringify(told) === JSON.stringify(this.#told)) return
    this.#told = told
    this.#isToldRead = true
    this.#update(async () => {
      if (told === undefined) await rm(this.#sinkPath(), { force: true })
      else await writeAtomically(this.#sinkPath(), JSON.stringify(told))
    })
  }

  wake(): void {
    this.#river?.wake()
  }

  async settle(instanceId: string): Promise<void> {
    await this.#river?.settle(instanceId)
  }

  async close(): Promise<void> {
    this.#isClosing = true
    clearTimeout(this.#retry)
    await this.#work
    await this.#river?.close()
  }

  #sinkPath(): string {
    return join(this.#options.folder, 'sink.json')
  }

  #update(before?: () => Promise<void>): void {
    clearTimeout(this.#retry)
    this.#work = this.#work
      .then(before)
      .then(() => this.#apply())
      .catch((error: unknown) => {
        this.#say(`the log river cannot be opened: ${error instanceof Error ? error.message : String(error)}`)
        this.#retry = setTimeout(() => this.#update(), retryMs)
        this.#retry.unref()
      })
  }

  async #apply(): Promise<void> {
    if (this.#isClosing) return
    const { port } = this.#options
    const target = await this.#target()
    if (this.#wishes.size > 0 && (target === undefined || port === undefined)) {
      const why = port === undefined ? 'no runtime of this node keeps any' : 'no sink is set, here (--log-sink) or for the server'
      this.#say(`the logs of ${this.#wishes.size} workloads are to be collected, but ${why}`)
    }
    if (this.#river === undefined) {
      // What an earlier agent left in the spool still has to flow.
      const isNeeded = target !== undefined && port !== undefined && (this.#wishes.size > 0 || (await this.#hasSpool()))
      if (!isNeeded) return
      this.#river = await this.#open(port)
    }
    await this.#river.want(target === undefined ? new Map() : this.#wishes, this.#present, this.#sinceMs)
    if (this.#flowing === (target?.written ?? '')) return
    await this.#river.flowTo(target?.sink, target?.headers ?? {})
    this.#flowing = target?.written ?? ''
  }

  async #open(port: OutputPort): Promise<LogRiver> {
    const { folder, spoolBytes, node, log, river } = this.#options
    const [{ LogRiver }, { Spool }] = await Promise.all([import('./river.ts'), import('./spool.ts')])
    const onDropped = (count: number) => log(`log river: ${count} records were dropped: the spool is full and the sink does not take them`)
    const spool = await Spool.open({ folder: join(folder, 'spool'), mostBytes: spoolBytes, onDropped })
    return new LogRiver({ port, spool, node, log, ...river })
  }

  async #target(): Promise<Target | undefined> {
    const written = this.#options.sink ?? (await this.#readTold())
    if (written === undefined) return undefined
    try {
      const headers = written.headers === undefined ? {} : parseSinkHeaders(written.headers)
      return { written: JSON.stringify(written), sink: parseLogSink(written.address), headers }
    } catch (error) {
      this.#say(`the server names a log sink that this agent does not understand: it ${error instanceof Error ? error.message : ''}`)
      return undefined
    }
  }

  async #readTold(): Promise<WrittenSink | undefined> {
    if (this.#isToldRead) return this.#told
    const text = await readIfPresent(this.#sinkPath())
    try {
      const { address, headers } = JSON.parse(text ?? '{}') as Record<keyof WrittenSink, unknown>
      if (typeof address === 'string') this.#told ??= { address, ...(typeof headers === 'string' && { headers }) }
    } catch {
      // As good as none: the server says it again.
    }
    this.#isToldRead = true
    return this.#told
  }

  #hasSpool(): Promise<boolean> {
    return access(join(this.#options.folder, 'spool')).then(
      () => true,
      () => false,
    )
  }

  /** Once, not at every change. */
  #say(line: string): void {
    if (line !== this.#said) this.#options.log(line)
    this.#said = line
  }
}
