// Somebody who asks an address again and again, with a new connection each time, and notes what came. For tests that promise
// that no request fails.
import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Visitor {
  /** Failed requests since the first good answer, as the words of their errors. */
  readonly failures: readonly string[]
  readonly answers: number
  /** When each text was first answered, by Date.now(). */
  readonly firstAtMs: ReadonlyMap<string, number>
  stop(): Promise<void>
}

/** Asks until it is stopped, one request after the other. What fails before the first good answer does not count. */
export function openVisitor(host: string, port: number, pauseMs = 10): Visitor {
  const failures: string[] = []
  const firstAtMs = new Map<string, number>()
  let answers = 0
  let isStopped = false
  const visiting = (async () => {
    while (!isStopped) {
      try {
        const text = await ask(host, port)
        answers += 1
        if (!firstAtMs.has(text)) firstAtMs.set(text, Date.now())
      } catch (error) {
        if (answers > 0) failures.push(`${new Date().toISOString()} ${String(error)}`)
      }
      await sleep(pauseMs)
    }
  })()
  return {
    failures,
    firstAtMs,
    get answers() {
      return answers
    },
    async stop() {
      isStopped = true
      await visiting
    },
  }
}

/** The body of a good answer; a status other than 200 is an error. */
export function ask(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host, port, agent: false, timeout: 10_000 }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      answer.once('end', () => (answer.statusCode === 200 ? resolve(text) : reject(new Error(`status ${answer.statusCode}`))))
      answer.once('error', reject)
    })
    request.once('timeout', () => request.destroy(new Error('no answer within 10 s')))
    request.once('error', reject)
  })
}
