// A small server for tests of the session and of the whole agent: real HTTP, real WebSocket, scripted answers.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { NodeMessage, ServerMessage } from '@littoral/contract/node/stream'
import { vi } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'

type Received = { [K in NodeMessage['type']]: Extract<NodeMessage, { type: K }> }

/** One connection of a node. */
export class TestConnection {
  readonly socket: WebSocket
  readonly authorization: string
  readonly messages: NodeMessage[] = []
  isClosed = false

  constructor(socket: WebSocket, authorization: string) {
    this.socket = socket
    this.authorization = authorization
    socket.on('message', (content: Buffer) => this.messages.push(JSON.parse(content.toString()) as NodeMessage))
    socket.on('close', () => (this.isClosed = true))
  }

  send(message: ServerMessage | object): void {
    this.socket.send(JSON.stringify(message))
  }

  welcome(overrides: Partial<Extract<ServerMessage, { type: 'welcome' }>> = {}): void {
    this.send({ type: 'welcome', nodeId: 'node-1', serverTimeMs: Date.now(), heartbeatMs: 10_000, ...overrides })
  }

  all<K extends NodeMessage['type']>(type: K): Received[K][] {
    return this.messages.filter((message): message is Received[K] => message.type === type)
  }

  /** Waits for a message of a type that meets the condition. */
  async until<K extends NodeMessage['type']>(type: K, what: (message: Received[K]) => boolean = () => true): Promise<Received[K]> {
    await untilTrue(() => this.all(type).some(what))
    return this.all(type).find(what)!
  }

  async untilClosed(): Promise<void> {
    await untilTrue(() => this.isClosed)
  }
}

export interface Refusing {
  readonly status: number
  readonly body: string
}

export class TestServer {
  readonly url: URL
  readonly connections: TestConnection[] = []
  /** Authorization headers of refused upgrades. */
  readonly refused: string[] = []
  refuses: ((authorization: string) => Refusing | undefined) | undefined
  serves: ((request: IncomingMessage, response: ServerResponse) => void) | undefined
  readonly #http: Server
  readonly #sockets = new WebSocketServer({ noServer: true })

  private constructor(http: Server) {
    this.#http = http
    this.url = new URL(`http://127.0.0.1:${(http.address() as AddressInfo).port}`)
  }

  static async open(port = 0): Promise<TestServer> {
    const http = createServer()
    await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve))
    const server = new TestServer(http)
    http.on('upgrade', (request, socket, head) => server.#upgrade(request, socket as never, head))
    http.on('request', (request, response) => (server.serves ? server.serves(request, response) : response.writeHead(404).end()))
    return server
  }

  /** The n-th connection, as soon as there is one. */
  async connection(index = 0): Promise<TestConnection> {
    await untilTrue(() => this.connections.length > index)
    return this.connections[index]!
  }

  async close(): Promise<void> {
    for (const { socket } of this.connections) socket.terminate()
    this.#http.closeAllConnections()
    await new Promise((resolve) => this.#http.close(resolve))
  }

  #upgrade(request: IncomingMessage, socket: Parameters<WebSocketServer['handleUpgrade']>[1], head: Buffer): void {
    const authorization = request.headers.authorization ?? ''
    const refusal = this.refuses?.(authorization)
    if (refusal) {
      this.refused.push(authorization)
      socket.end(
        `HTTP/1.1 ${refusal.status} No\r\nDate: ${new Date().toUTCString()}\r\nContent-Length: ${Buffer.byteLength(refusal.body)}\r\nConnection: close\r\n\r\n${refusal.body}`,
      )
      return
    }
    this.#sockets.handleUpgrade(request, socket, head, (opened) => this.connections.push(new TestConnection(opened, authorization)))
  }
}

function untilTrue(check: () => boolean): Promise<boolean> {
  return vi.waitUntil(check, { timeout: 10_000, interval: 10 })
}
