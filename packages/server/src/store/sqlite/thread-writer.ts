// The main thread's end of the writer's thread: starts it, sends batches, hands the answers to whoever waits. When the
// thread dies, everything that waits fails and so does everything that comes later: the store is then unusable.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { StartupError } from '../startup-error.ts'
import type { Batch, BatchResult } from './batch.ts'
import { messageOf } from './errors.ts'
import type { Writer } from './writer.ts'
import type { WriterAnswer, WriterMessage, WriterOptions } from './writer-thread.ts'

type Ready = Extract<WriterAnswer, { kind: 'ready' }>

export class ThreadWriter implements Writer {
  readonly ready: Promise<Ready>
  readonly #worker: Worker
  readonly #waiting: ((result: BatchResult) => void)[] = []
  readonly #closed: Promise<void>
  #death: string | undefined
  #announceReady: (ready: Ready) => void = () => {}
  #refuse: (error: Error) => void = () => {}
  #announceClosed: () => void = () => {}

  constructor(options: WriterOptions, onDeath: (reason: string) => void) {
    this.ready = new Promise((resolve, reject) => {
      this.#announceReady = resolve
      this.#refuse = reject
    })
    this.#closed = new Promise((resolve) => {
      this.#announceClosed = resolve
    })
    this.#worker = startThread(options)
    this.#worker.on('message', (answer: WriterAnswer) => this.#take(answer))
    this.#worker.on('error', (error) => this.#die(messageOf(error), onDeath))
    this.#worker.on('exit', (code) => this.#die(`its thread ended with code ${code}`, onDeath))
  }

  post(batch: Batch, done: (result: BatchResult) => void): void {
    if (this.#death !== undefined) {
      done(dead(this.#death))
      return
    }
    this.#waiting.push(done)
    this.#worker.postMessage(batch satisfies WriterMessage)
  }

  async close(): Promise<void> {
    if (this.#death === undefined) this.#worker.postMessage('close' satisfies WriterMessage)
    // From here on nothing is posted: it would come after the end, and never be answered.
    this.#death ??= 'it is closed'
    await this.#closed
    await this.#worker.terminate()
  }

  #take(answer: WriterAnswer): void {
    switch (answer.kind) {
      case 'ready':
        this.#announceReady(answer)
        return
      case 'refused':
        this.#death = answer.message
        this.#refuse(new StartupError(answer.message))
        return
      case 'closed':
        this.#announceClosed()
        return
      case 'results':
        for (const result of answer.results) this.#waiting.shift()?.(result)
    }
  }

  #die(reason: string, onDeath: (reason: string) => void): void {
    this.#announceClosed()
    const isExpected = this.#death !== undefined && this.#waiting.length === 0
    this.#death ??= `the writer died: ${reason}`
    this.#refuse(new StartupError(`The store's writer could not start: ${reason}.`))
    for (const done of this.#waiting.splice(0)) done(dead(this.#death))
    if (!isExpected) onDeath(reason)
  }
}

function dead(reason: string): BatchResult {
  return { refusals: [], failure: { trouble: 'io', message: reason } }
}

/** From source (under vitest or tsx) the thread must register the TypeScript loader itself: on Node 20 it inherits none. */
function startThread(workerData: WriterOptions): Worker {
  const options = { workerData, execArgv: [], name: 'store-writer' }
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('./writer-thread.js', import.meta.url), options)
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx/package.json'))
  const loader = JSON.stringify(new URL('dist/esm/api/index.mjs', tsx).href)
  const file = JSON.stringify(new URL('./writer-thread.ts', import.meta.url).href)
  return new Worker(`import(${loader}).then((tsx) => (tsx.register(), import(${file})))`, { ...options, eval: true })
}
