// The writer's thread: the only place where a database file is written and checkpointed. Started by thread-writer.ts,
// which sends batches; everything that arrives during one commit goes into the next one.
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import type { Batch } from './batch.ts'
import { GroupWriter } from './group-writer.ts'
import { openDurable } from './open-durable.ts'
import type { Durable, DurableOptions } from './open-durable.ts'
import { StartupError } from '../startup-error.ts'
import { messageOf } from './errors.ts'

export interface WriterOptions extends DurableOptions {
  /** At most so many requests share a commit. */
  readonly groupLimit: number
}

export type WriterAnswer =
  | { readonly kind: 'ready'; readonly applied: readonly string[]; readonly sqliteVersion: string }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'results'; readonly results: readonly import('./batch.ts').BatchResult[] }
  | { readonly kind: 'closed' }

export type WriterMessage = Batch | 'close'

function serve(port: MessagePort, durable: Durable, groupLimit: number): void {
  const writer = new GroupWriter(durable.connection)
  const answer = (message: WriterAnswer): void => port.postMessage(message)
  port.on('message', (first: WriterMessage) => {
    const batches: Batch[] = []
    let isClosing = false
    let count = 0
    let next: WriterMessage | undefined = first
    while (next !== undefined && !isClosing) {
      if (next === 'close') isClosing = true
      else {
        batches.push(next)
        count += next.requestCount
      }
      next = count < groupLimit ? (receiveMessageOnPort(port) as { message: WriterMessage } | undefined)?.message : undefined
    }
    if (batches.length > 0) {
      answer({ kind: 'results', results: writer.commit(batches) })
      writer.checkpoint()
    }
    if (isClosing) {
      durable.close()
      answer({ kind: 'closed' })
      port.close()
    }
  })
  answer({ kind: 'ready', applied: durable.applied, sqliteVersion: durable.sqliteVersion })
}

if (parentPort) {
  const { groupLimit, ...options } = workerData as WriterOptions
  try {
    serve(parentPort, openDurable(options), groupLimit)
  } catch (error) {
    if (!(error instanceof StartupError)) throw error
    parentPort.postMessage({ kind: 'refused', message: messageOf(error) } satisfies WriterAnswer)
  }
}
