// A load generator in a process of its own. Connections are opened and requests signed before anything is counted; each
// connection has one request under way. Questions: sign, creates, reads.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { answerQuestions } from './processes.ts'
import { createVersionRequest, getVersionRequest, type Target } from './requests.ts'

export interface Load {
  readonly target: Target
  readonly connections: number
  readonly appIds: readonly string[]
  readonly warmUpMs: number
  readonly countMs: number
  /** Signed beforehand; when they run out before the time does, counting ends there. */
  readonly requests: number
}

export interface Measured {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly count: number
}

const nothing = Buffer.alloc(0)
/** More than any answer here has. */
const maxAnswerBytes = 64 * 1024

/** One keep-alive connection: send() resolves with the answer's body, and throws when the answer is no success. */
class Connection {
  readonly #socket: Socket
  #received: Buffer = nothing
  #take: ((answer: Buffer) => void) | undefined

  constructor(port: number) {
    // Into one buffer for as long as it lives: the load must leave the machine to the server.
    const buffer = Buffer.alloc(maxAnswerBytes)
    const onread = { buffer, callback: (size: number) => this.#read(buffer.subarray(0, size)) }
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true, onread })
  }

  async open(): Promise<this> {
    await once(this.#socket, 'connect')
    return this
  }

  send(request: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#take = (answer) => {
        if (answer.toString('latin1', 9, 12) === '200') resolve()
        else reject(new Error(`the server answered ${answer.toString('utf8').slice(0, 1000)}`))
      }
      this.#socket.write(request)
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #read(chunk: Buffer): boolean {
    const answer = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    this.#received = isWhole(answer) ? nothing : Buffer.from(answer)
    if (this.#received.length === 0) this.#take?.(answer)
    return true
  }
}

function isWhole(answer: Buffer): boolean {
  const headEnd = answer.indexOf('\r\n\r\n')
  if (headEnd < 0) return false
  const length = /\r\ncontent-length: (\d+)/i.exec(answer.toString('latin1', 0, headEnd))?.[1]
  return answer.length >= headEnd + 4 + Number(length)
}

async function openConnections({ target, connections }: Pick<Load, 'target' | 'connections'>): Promise<Connection[]> {
  return Promise.all(Array.from({ length: connections }, () => new Connection(target.port).open()))
}

function measure(latencies: number[], tookMs: number): Measured {
  const sorted = latencies.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return { perSecond: (sorted.length / tookMs) * 1000, p50Ms: at(0.5), p99Ms: at(0.99), count: sorted.length }
}

const signed: Buffer[] = []

/** Makes the next load's requests, which takes longer than sending them: for who wants to know when that begins. */
async function sign({ target, appIds, requests }: Load): Promise<void> {
  for (let index = 0; index < requests; index += 1) signed.push(createVersionRequest(target, appIds[index % appIds.length] ?? ''))
}

async function creates(load: Load): Promise<Measured> {
  if (signed.length === 0) await sign(load)
  const requests = signed.splice(0)
  const connections = await openConnections(load)
  const startedAt = performance.now()
  const countFrom = startedAt + load.warmUpMs
  const endAt = countFrom + load.countMs
  const latencies: number[] = []
  let lastAt = countFrom
  await Promise.all(
    connections.map(async (connection) => {
      for (let request = requests.pop(); request && performance.now() < endAt; request = requests.pop()) {
        const sentAt = performance.now()
        await connection.send(request)
        lastAt = performance.now()
        if (sentAt >= countFrom) latencies.push(lastAt - sentAt)
      }
    }),
  )
  for (const connection of connections) connection.close()
  return measure(latencies, lastAt - countFrom)
}

/** Reads at a gentle pace, to see how long one takes beside whatever else is going on. */
async function reads({ versions, ...load }: Load & { versions: readonly (readonly [string, string])[] }): Promise<Measured> {
  const connections = await openConnections(load)
  const endAt = performance.now() + load.countMs
  const latencies: number[] = []
  await Promise.all(
    connections.map(async (connection, index) => {
      for (let count = index; performance.now() < endAt; count += load.connections) {
        const [appId, versionId] = versions[count % versions.length] as readonly [string, string]
        const request = getVersionRequest(load.target, appId, versionId)
        const sentAt = performance.now()
        await connection.send(request)
        latencies.push(performance.now() - sentAt)
        await sleep(5 + Math.random() * 10)
      }
    }),
  )
  for (const connection of connections) connection.close()
  return measure(latencies, load.countMs)
}

answerQuestions({ sign, creates, reads })
