// Processes of the benchmark: the measured server and the load generators are never in one process, so that neither
// waits for the other's event loop. Questions and answers go over the IPC channel.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface Peer {
  ask<Answer>(question: string, options?: object): Promise<Answer>
  stop(): Promise<void>
}

interface Question {
  readonly id: number
  readonly question: string
  readonly options: object
}
type Reply = { readonly id: number; readonly answer: unknown } | { readonly id: number; readonly error: string }

const compiled = new URL('./compiled.mjs', import.meta.url).href

/** Starts a file beside this one as a process of its own. */
export function startPeer(file: string, args: readonly string[] = []): Peer {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), args, {
    execArgv: ['--import', 'tsx', '--import', compiled, '--expose-gc'],
    env: { ...process.env, NODE_ENV: 'production' },
  })
  const waiting = new Map<number, { resolve: (answer: never) => void; reject: (error: Error) => void }>()
  let count = 0
  child.on('message', (reply: Reply) => {
    const asked = waiting.get(reply.id)
    waiting.delete(reply.id)
    if ('error' in reply) asked?.reject(new Error(reply.error))
    else asked?.resolve(reply.answer as never)
  })
  child.on('exit', (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`${file} ended (${signal ?? code})`))
  })
  return {
    ask: (question, options = {}) =>
      new Promise((resolve, reject) => {
        count += 1
        waiting.set(count, { resolve, reject })
        child.send({ id: count, question, options } satisfies Question)
      }),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.disconnect()
      await once(child, 'exit')
    },
  }
}

/** The other end: answers questions until the benchmark lets go, then ends the process. */
export function answerQuestions(answers: Readonly<Record<string, (options: never) => Promise<unknown>>>, end?: () => Promise<void>): void {
  process.on('message', ({ id, question, options }: Question) => {
    const respond = async (): Promise<Reply> => {
      try {
        return { id, answer: await answers[question]?.(options as never) }
      } catch (error) {
        return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
      }
    }
    void respond().then((reply) => process.send?.(reply))
  })
  process.on('disconnect', () => void Promise.resolve(end?.()).then(() => process.exit(0)))
}
