// A node for tests of the node end: a real socket, scripted by the test, that keeps everything it was told.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { NodeFacts } from '@littoral/contract/node/report'
import type { NodeMessage, ServerMessage } from '@littoral/contract/node/stream'
import { nodeProtocol, nodeSocketPath } from '@littoral/contract/node/protocol'
import { WebSocket } from 'ws'

export const testFacts: NodeFacts = {
  name: 'harbour-1',
  agentVersion: '0.1.0',
  edgeVersion: '2.9.3',
  os: 'linux',
  arch: 'x64',
  region: 'zhejiang',
  environments: ['prod', 'staging'],
  runtimes: [{ name: 'memory', isAvailable: true }],
  driverRuntimes: ['nodejs8'],
  cpus: 2,
  memoryBytes: 4_000_000_000,
  address: '127.0.0.1',
}

/** An HTTP server on a free port of the loopback. */
export async function openHttp(): Promise<{ http: Server; url: string; close: () => Promise<void> }> {
  const http = createServer((_, response) => response.writeHead(404).end())
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  return { http, url, close: () => new Promise((resolve) => http.close(() => resolve())) }
}

export interface TestNode {
  readonly socket: WebSocket
  readonly received: ServerMessage[]
  /** How the socket ended. */
  readonly ended: Promise<{ code: number; reason: string }>
  send(message: NodeMessage): void
  hello(facts?: Partial<NodeFacts>, generation?: number): void
  /** The n-th message of that type, as soon as it is there. */
  next<T extends ServerMessage['type']>(type: T, nth?: number): Promise<ServerMessage & { type: T }>
  close(): Promise<void>
}

/** Connects; rejects with the refusal's status and body when the server refuses the upgrade. */
export async function connect(url: string, authorization: string, options: { autoPong?: boolean } = {}): Promise<TestNode> {
  const socket = new WebSocket(url.replace('http', 'ws') + nodeSocketPath, { headers: { authorization }, ...options })
  const received: ServerMessage[] = []
  socket.on('message', (frame) => received.push(JSON.parse((frame as Buffer).toString()) as ServerMessage))
  const ended = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
  )
  await opened(socket)
  const send = (message: NodeMessage) => socket.send(JSON.stringify(message))
  return {
    socket,
    received,
    ended,
    send,
    hello: (facts = {}, generation = 0) => send({ type: 'hello', protocol: nodeProtocol, generation, facts: { ...testFacts, ...facts } }),
    next: (type, nth = 0) => nextMessage(received, socket, (message) => message.type === type, nth) as Promise<never>,
    async close() {
      socket.close()
      await ended
    },
  }
}

/** Looks again with every message that arrives, for at most five seconds. */
function nextMessage(
  received: ServerMessage[],
  socket: WebSocket,
  isWanted: (message: ServerMessage) => boolean,
  nth: number,
): Promise<ServerMessage> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`message ${nth} did not come; there are ${JSON.stringify(received)}`)), 5000)
    const look = () => {
      const found = received.filter(isWanted)[nth]
      if (found === undefined) return
      clearTimeout(late)
      socket.off('message', look)
      resolve(found)
    }
    socket.on('message', look)
    look()
  })
}

function opened(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.on('open', () => resolve())
    socket.on('error', reject)
    socket.on('unexpected-response', (_, response) => {
      let body = ''
      response.on('data', (chunk) => (body += String(chunk)))
      response.on('end', () =>
        reject(Object.assign(new Error(`refused: ${body}`), { status: response.statusCode, body: JSON.parse(body) as unknown })),
      )
    })
  })
}
