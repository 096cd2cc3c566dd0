// The server end of all node sockets: accepts the upgrade, keeps one session per node, notes who is alive, and passes
// log requests on. Started by server.ts on the HTTP server.
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { Fault } from '@littoral/contract/errors'
import { maxMessageBytes, nodeSocketPath } from '@littoral/contract/node/protocol'
import type { CallRequest, LogsRequest, StreamRequest } from '@littoral/contract/node/stream'
import { WebSocketServer } from 'ws'
import type { NodeStreams } from '../operations/context.ts'
import * as nodes from '../store/nodes.ts'
import { admit } from './admission.ts'
import { Departures } from './departures.ts'
import { callDevice } from './device-call.ts'
import { Asides } from './asides.ts'
import { readLogLines } from './log-lines.ts'
import { isWebSocket, passOver } from './passed-over.ts'
import { SampleIntake } from './sample-intake.ts'
import { closeCodes, NodeSession, type SessionEvents, type SessionServices } from './session.ts'
import { type NodeStream, type StreamConsumer, streamError, type Streams } from './streams.ts'

/** Upgrades that may be under way at once, so that strangers cannot queue work without end. */
const mostUpgrades = 256
/** Nodes noted as seen in one write. */
const nodesAtOnce = 500

export interface Upgrade {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
}

/** Who else takes upgrades, by path; a thrown Fault is answered with its status. */
export type Doors = ReadonlyMap<string, (upgrade: Upgrade) => Promise<void>>

/**
 * Invariants:
 *
 * 1. A node has at most one session here; a newer one replaces the older.
 * 2. A node is noted as seen once per heartbeat while its session is alive, many nodes in one write.
 * 3. A desired state whose announcement was missed is sent within a heartbeat.
 * 4. A node whose session has ended, and that is not back within half a heartbeat, is off line.
 */
export class NodeHub implements NodeStreams {
  readonly #services: SessionServices
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes, perMessageDeflate: false })
  readonly #sessions = new Set<NodeSession>()
  readonly #byNode = new Map<string, NodeSession>()
  readonly #events: SessionEvents
  readonly #samples: SampleIntake
  readonly #asides: Asides
  readonly #departures: Departures
  /** When each node with a session here was last noted as seen. */
  readonly #seenAtMs = new Map<string, number>()
  #upgrades = 0
  #tick: NodeJS.Timeout | undefined
  #ticking: Promise<void> | undefined
  #isStopping = false

  constructor(services: SessionServices) {
    this.#services = services
    this.#samples = new SampleIntake(services)
    this.#asides = new Asides(services)
    this.#departures = new Departures(services)
    this.#events = {
      joined: (session, nodeId) => this.#joined(session, nodeId),
      ended: (session) => this.#ended(session),
      sampled: (nodeId, samples, isRestSame) => this.#samples.take(nodeId, samples, isRestSame),
      said: (nodeId, message, answer) => this.#asides.said(nodeId, message, answer),
    }
  }

  /** Takes the upgrades of an HTTP server: those of nodes, and through the doors those of others. */
  attach(server: Server, doors: Doors = new Map()): void {
    server.on('upgrade', (request, socket, head) => {
      if (!isWebSocket(request)) return passOver(server, { request, socket, head })
      socket.on('error', () => socket.destroy())
      this.#upgrade({ request, socket, head }, doors).catch((error: unknown) => {
        if (!(error instanceof Fault)) this.#services.log.error({ err: error }, 'an upgrade failed')
        refuse(socket, error)
      })
    })
    this.#tick = setInterval(() => {
      this.#ticking ??= this.#noteSeen().finally(() => (this.#ticking = undefined))
    }, this.#services.settings.heartbeatMs)
  }

  async readLogs(nodeId: string, request: LogsRequest, timeoutMs: number): Promise<string[]> {
    return readLogLines(this.#streamsOf(nodeId), request, timeoutMs)
  }

  async callDevice(nodeId: string, request: CallRequest): Promise<string> {
    return callDevice(this.#streamsOf(nodeId), request)
  }

  /** Opens a stream to a node; throws NodeUnreachable when it has no session here. */
  open(nodeId: string, request: StreamRequest, consumer: StreamConsumer): NodeStream {
    return this.#streamsOf(nodeId).open(request, consumer)
  }

  async retry(nodeId: string, key: string, timeoutMs: number): Promise<boolean> {
    const session = this.#sessionOf(nodeId)
    return this.#asides.retry({ nodeId, send: (message) => session.tell(message) }, key, timeoutMs)
  }

  /** How many nodes have a session here. */
  get size(): number {
    return this.#byNode.size
  }

  /** Tells every node that the server goes, waits for what they said to be stored, then cuts whoever is left. */
  async stop(timeoutMs = 3000): Promise<void> {
    this.#isStopping = true
    clearInterval(this.#tick)
    const sessions = [...this.#sessions]
    for (const session of sessions) session.close(closeCodes.goingAway, 'the server stops')
    let giveUp: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => (giveUp = setTimeout(resolve, timeoutMs)))
    const settled = Promise.all([
      this.#ticking,
      this.#departures.stop(),
      this.#asides.settled(),
      ...sessions.map((session) => session.settled()),
    ])
    await Promise.race([settled, late])
    clearTimeout(giveUp)
    await this.#samples.stop()
    for (const client of this.#sockets.clients) client.terminate()
    this.#sockets.close()
  }

  #streamsOf(nodeId: string): Streams {
    return this.#sessionOf(nodeId).streams
  }

  #sessionOf(nodeId: string): NodeSession {
    const session = this.#byNode.get(nodeId)
    if (session === undefined) throw streamError('NodeUnreachable', `the node ${nodeId} is not connected`)
    return session
  }

  async #upgrade({ request, socket, head }: Upgrade, doors: Doors): Promise<void> {
    const path = request.url?.split('?', 1)[0] ?? '/'
    const door = doors.get(path)
    if (door !== undefined && !this.#isStopping) return door({ request, socket, head })
    if (path !== nodeSocketPath) return answer(socket, { status: 404, code: 'NotFound', message: 'There is no socket here.' })
    if (this.#isStopping || this.#upgrades >= mostUpgrades) throw new Fault('Node.Busy')
    this.#upgrades++
    try {
      const admission = await admit(request.headers.authorization, this.#services)
      this.#sockets.handleUpgrade(request, socket, head, (client) => {
        this.#sessions.add(new NodeSession(client, admission, this.#services, this.#events))
      })
    } finally {
      this.#upgrades--
    }
  }

  #joined(session: NodeSession, nodeId: string): void {
    this.#byNode.get(nodeId)?.close(closeCodes.replaced, 'replaced by a newer connection')
    this.#samples.forget(nodeId)
    this.#byNode.set(nodeId, session)
    this.#seenAtMs.set(nodeId, this.#services.now())
    this.#departures.returned(nodeId)
  }

  #ended(session: NodeSession): void {
    this.#sessions.delete(session)
    const nodeId = session.nodeId
    if (nodeId === undefined || this.#byNode.get(nodeId) !== session) return
    this.#byNode.delete(nodeId)
    this.#samples.forget(nodeId)
    if (!this.#isStopping) this.#departures.left(nodeId, this.#seenAtMs.get(nodeId) ?? 0)
    this.#seenAtMs.delete(nodeId)
  }

  async #noteSeen(): Promise<void> {
    const alive = [...this.#byNode].filter(([, session]) => session.isAlive)
    for (let from = 0; from < alive.length && !this.#isStopping; from += nodesAtOnce) {
      await this.#noteSeenOf(alive.slice(from, from + nodesAtOnce))
    }
  }

  async #noteSeenOf(listed: readonly [string, NodeSession][]): Promise<void> {
    const { store, log, now } = this.#services
    // Whoever has left since the list was made is not brought back by it.
    const sessions = new Map(listed.filter(([id, session]) => this.#byNode.get(id) === session))
    const ids = [...sessions.keys()]
    const seenAtMs = now()
    for (const id of ids) this.#seenAtMs.set(id, seenAtMs)
    try {
      await store.write(async (tx) => nodes.updateSeen(tx, ids, seenAtMs))
      const generations = await store.read((tx) => nodes.listGenerations(tx, ids))
      for (const [id, session] of sessions) {
        const generation = generations.get(id)
        if (generation === undefined || generation > session.sentGeneration) session.push()
      }
    } catch (error) {
      log.error({ err: error }, 'the nodes seen could not be noted')
    }
  }
}

function refuse(socket: Duplex, error: unknown): void {
  const fault = error instanceof Fault ? error : new Fault('InternalError', {}, { cause: error })
  answer(socket, { status: fault.status, code: fault.code, message: fault.message })
}

function answer(socket: Duplex, { status, code, message }: { status: number; code: string; message: string }): void {
  const body = JSON.stringify({ code, message })
  const head = [
    `HTTP/1.1 ${status} Refused`,
    'Content-Type: application/json',
    // A gateway whose clock is wrong learns the time from this, and can sign with it.
    `Date: ${new Date().toUTCString()}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(status === 503 ? ['Retry-After: 5'] : []),
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
  setTimeout(() => socket.destroy(), 1000).unref()
}
