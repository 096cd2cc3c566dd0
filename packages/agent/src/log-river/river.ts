// The log river of a node: collects what the desired state asks for from the containers into the spool, from where the sender takes
// it to the sink. Opened by agent.ts through gate.ts, and only where there is something to collect and a sink to take it to.
//
// 1. A container is read from its first line if it was made after the wish to collect it came here, else from that moment on.
// 2. What a container wrote is in the spool before the container is removed, if that takes no longer than a moment.
// 3. What was written while nobody wished to collect it is never sent, also not when the wish returns.
import { type LogSink, type SinkHeaders, sinkName } from '@littoral/contract/node/log-sink'
import type { OutputContainer, OutputPort } from '../runtime/runtime.ts'
import { endsWithin, limited, pause } from '../waits.ts'
import { FileReader } from './file-reader.ts'
import { followOutput } from './output-reader.ts'
import type { RecordOrigin, RiverNode } from './records.ts'
import { Sender } from './sender.ts'
import { openSink } from './open-sink.ts'
import type { Spool } from './spool.ts'

/** What is to be collected from the containers of a workload. */
export interface Wish {
  readonly isStdout: boolean
  /** Empty for none. */
  readonly path: string
}

export interface RiverOptions {
  readonly port: OutputPort
  readonly spool: Spool
  readonly node: RiverNode
  readonly log: (line: string) => void
  readonly now?: () => number
  /** How often files are looked at. */
  readonly everyMs?: number
  readonly sender?: { readonly gatherMs?: number; readonly firstPauseMs?: number }
}

interface Reader {
  readonly abort: AbortController
  readonly done: Promise<void>
}

interface Collected {
  container: OutputContainer
  reader?: Reader
  /** The run that was read to its end. */
  readRun?: string
  /** After a failure, not before. */
  pausedUntilMs: number
  files?: { readonly pattern: string; readonly reader: FileReader }
  /** The run whose files were read for the last time. */
  closedRun?: string
}

const lookTimeoutMs = 10_000
const listEveryMs = 5000
const never = Number.NEGATIVE_INFINITY
const settleMs = 3000
const failurePauseMs = 5000
const endedPauseMs = 500

export class LogRiver {
  readonly #options: Required<RiverOptions>
  readonly #closing = new AbortController()
  readonly #collected = new Map<string, Collected>()
  #wishes = new Map<string, Wish>()
  /** Keys that the node is not to run any more; what is left of them is still collected from. */
  readonly #leaving = new Set<string>()
  #sender: Sender | undefined
  #looking: Promise<void> = Promise.resolve()
  #loop: Promise<void> | undefined
  #containers: readonly OutputContainer[] = []
  #listedAtMs = never
  #pauseEnd: () => void = () => {}
  #said = ''

  constructor(options: RiverOptions) {
    this.#options = { now: Date.now, everyMs: 1000, sender: {}, ...options }
  }

  /** What to collect from now on, by key. `sinceMs`: when that became known here. `present`: keys the node is to run. */
  async want(wishes: ReadonlyMap<string, Wish>, present: ReadonlySet<string>, sinceMs: number): Promise<void> {
    const { spool } = this.#options
    const before = this.#wishes
    this.#wishes = new Map(wishes)
    this.#leaving.clear()
    for (const [key, wish] of before) if (!present.has(key)) this.#leave(key, wish)
    for (const key of wishes.keys()) {
      if (spool.position(`key:${key}`) === undefined) await spool.append({ source: `key:${key}`, position: sinceMs, lines: [] })
    }
    for (const source of spool.sources()) {
      if (source.startsWith('key:') && !this.#wishes.has(source.slice(4))) await spool.append({ source, position: null, lines: [] })
    }
    this.#loop ??= this.#run()
    this.wake()
  }

  #leave(key: string, wish: Wish): void {
    this.#wishes.set(key, wish)
    this.#leaving.add(key)
  }

  /** Something happened to the containers. */
  wake(): void {
    this.#listedAtMs = never
    this.#pauseEnd()
  }

  /** Undefined: nobody takes anything; what is in the spool waits. */
  async flowTo(sink: LogSink | undefined, headers: SinkHeaders): Promise<void> {
    const { spool, node, log, sender } = this.#options
    await this.#sender?.close()
    this.#sender = undefined
    if (sink === undefined || this.#closing.signal.aborted) return
    this.#sender = new Sender({ spool, log, sink: await openSink(sink, { node, headers }), sinkName: sinkName(sink), ...sender })
  }

  /** Before an instance is removed: what its containers have written is read, within a moment. */
  async settle(instanceId: string): Promise<void> {
    if (this.#loop === undefined || this.#closing.signal.aborted) return
    const ofIt = [...this.#collected.values()].filter(({ container }) => container.instanceId === instanceId)
    const settled = (async () => {
      this.#listedAtMs = never
      for (const one of ofIt) one.pausedUntilMs = 0
      await this.#lookOnce()
      for (const { reader } of ofIt) await reader?.done
    })()
    if (await endsWithin(settled, settleMs)) return
    this.#options.log(`log river: ${instanceId} goes before all it wrote was read`)
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the log river ends'))
    this.#pauseEnd()
    await this.#loop
    await this.#looking
    for (const one of this.#collected.values()) await this.#letGo(one)
    await this.#sender?.close()
    await this.#options.spool.close()
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      const ending = new AbortController()
      this.#pauseEnd = () => ending.abort()
      await this.#lookOnce()
      if (!signal.aborted) await pause(this.#options.everyMs, ending.signal)
    }
  }

  /** One look at a time. */
  #lookOnce(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#look()).catch((error: unknown) => this.#say(`log river: ${messageOf(error)}`))
    return this.#looking
  }

  /** Containers are listed when something happened, and now and then; files are looked at every time. */
  async #list(): Promise<readonly OutputContainer[]> {
    const { now, port } = this.#options
    if (now() - this.#listedAtMs < listEveryMs) return this.#containers
    const startedAtMs = now()
    this.#listedAtMs = startedAtMs
    try {
      this.#containers = await limited((signal) => port.containers(signal), lookTimeoutMs, this.#closing.signal)
    } catch (error) {
      if (this.#listedAtMs === startedAtMs) this.#listedAtMs = never
      throw error
    }
    return this.#containers
  }

  async #look(): Promise<void> {
    if (this.#closing.signal.aborted || (this.#wishes.size === 0 && this.#collected.size === 0)) return
    const all = await this.#list()
    const present = new Map(all.map((container) => [container.containerId, container]))
    const keys = new Set(all.map(({ key }) => key))
    for (const key of this.#leaving) if (!keys.has(key)) await this.#forgetKey(key)
    for (const [id, one] of this.#collected) {
      if (present.has(id) && this.#wishes.has(one.container.key)) continue
      await this.#letGo(one)
      this.#collected.delete(id)
      if (present.has(id)) await this.#takeBack(id, () => true)
    }
    this.#forgetGone(present)
    for (const container of all) {
      const wish = this.#wishes.get(container.key)
      if (wish !== undefined) await this.#collect(container, wish)
    }
  }

  async #collect(container: OutputContainer, wish: Wish): Promise<void> {
    const one: Collected = this.#collected.get(container.containerId) ?? { container, pausedUntilMs: 0 }
    one.container = container
    this.#collected.set(container.containerId, one)
    if (!wish.isStdout) await this.#leaveOutput(one)
    else if (one.reader === undefined && one.pausedUntilMs <= this.#options.now() && (container.isRunning || one.readRun !== container.run))
      one.reader = this.#follow(one)
    if (one.files !== undefined && one.files.pattern !== wish.path) {
      await one.files.reader.close()
      delete one.files
      await this.#takeBack(container.containerId, (source) => source.startsWith('file:'))
    }
    if (wish.path === '') return
    one.files ??= { pattern: wish.path, reader: this.#openFiles(container, wish.path) }
    await this.#readFiles(one, one.files.reader)
  }

  async #leaveOutput(one: Collected): Promise<void> {
    const { containerId } = one.container
    one.reader?.abort.abort()
    await one.reader?.done
    await this.#takeBack(containerId, (source) => source.startsWith('out:'))
  }

  /** Begun again, it begins then; see the third rule above. */
  async #takeBack(containerId: string, isMeant: (source: string) => boolean): Promise<void> {
    const { spool, now } = this.#options
    for (const source of spool.sources()) {
      const [kind, id] = source.split(':')
      if ((kind !== 'out' && kind !== 'file') || id !== containerId || !isMeant(source)) continue
      await spool.append({ source, position: null, lines: [] })
      await spool.append({ source: `since:${containerId}:${kind}`, position: now(), lines: [] })
    }
  }

  #follow(one: Collected): Reader {
    const { containerId, run } = one.container
    const { port, spool, now } = this.#options
    const abort = new AbortController()
    const following = {
      ...{ containerId, source: `out:${containerId}`, origin: originOf(one.container), port, spool },
      sinceMs: this.#startOf(one.container, 'out'),
      signal: abort.signal,
    }
    const done = followOutput(following)
      .then(() => {
        if (abort.signal.aborted) return
        one.readRun = run
        // One that ends although the container runs is not to be begun again without a pause.
        one.pausedUntilMs = now() + endedPauseMs
      })
      .catch((error: unknown) => {
        one.pausedUntilMs = now() + failurePauseMs
        this.#say(`log river: ${one.container.instanceId}/${one.container.container}: ${messageOf(error)}`)
      })
      .finally(() => {
        delete one.reader
        this.wake()
      })
    return { abort, done }
  }

  #openFiles(container: OutputContainer, pattern: string): FileReader {
    const { spool, now } = this.#options
    const isFromStart = this.#startOf(container, 'file') === undefined
    return new FileReader({ prefix: `file:${container.containerId}:`, pattern, origin: originOf(container), spool, isFromStart, now })
  }

  async #readFiles(one: Collected, reader: FileReader): Promise<void> {
    const { container } = one
    if (!container.isRunning && one.closedRun === container.run) return
    try {
      await reader.read(container.root, !container.isRunning)
      if (!container.isRunning) one.closedRun = container.run
    } catch (error) {
      this.#say(`log river: files of ${container.instanceId}/${container.container}: ${messageOf(error)}`)
    }
  }

  /** Undefined: from its beginning. */
  #startOf({ key, containerId, createdAtMs }: OutputContainer, kind: 'out' | 'file'): number | undefined {
    const { spool } = this.#options
    const times = [spool.position(`key:${key}`), spool.position(`since:${containerId}:${kind}`)].map((time) => Number(time ?? 0))
    const wishedAtMs = Math.max(...times)
    return createdAtMs >= wishedAtMs ? undefined : wishedAtMs
  }

  async #forgetKey(key: string): Promise<void> {
    this.#leaving.delete(key)
    this.#wishes.delete(key)
    await this.#options.spool.append({ source: `key:${key}`, position: null, lines: [] })
  }

  #forgetGone(present: ReadonlyMap<string, OutputContainer>): void {
    for (const source of this.#options.spool.sources()) {
      const [kind, id = ''] = source.split(':')
      if (kind !== 'key' && !present.has(id)) this.#options.spool.forget(source)
    }
  }

  async #letGo({ reader, files }: Collected): Promise<void> {
    reader?.abort.abort()
    await reader?.done
    await files?.reader.close()
  }

  /** Once, not at every look. */
  #say(line: string): void {
    if (line !== this.#said && !this.#closing.signal.aborted) this.#options.log(line)
    this.#said = line
  }
}

function originOf({ app, environment, version, instanceId, container }: OutputContainer): RecordOrigin {
  return { app, environment, version, instance: instanceId, container }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
