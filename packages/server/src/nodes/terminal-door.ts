// The WebSocket behind GetEdgeContainerTerminal: docs/terminal.md describes its frames. Bytes go both ways as they are; what
// waits to be read or written is bounded by the windows of the node's stream, whichever side is slow.
import { Fault } from '@littoral/contract/errors'
import { inputWindowBytes } from '@littoral/contract/node/protocol'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import type { Services } from '../operations/context.ts'
import { auditRow } from '../store/audit.ts'
import type { StreamTicket } from '../store/stream-tickets.ts'
import type { NodeHub, Upgrade } from './hub.ts'
import type { NodeStream, StreamEnd } from './streams.ts'
import { redeem } from './tickets.ts'

export const terminalPath = '/terminal'
export const terminalCloseCodes = { ended: 1000, goingAway: 1001, badFrame: 1008, failed: 1011, idle: 4008 } as const

const mostTerminals = 100
const mostFrameBytes = 64 * 1024
const pingMs = 30_000
const openTimeoutMs = 15_000

export type TerminalServices = Pick<Services, 'store' | 'now' | 'log' | 'settings'> & { readonly hub: Pick<NodeHub, 'open'> }

export class TerminalDoor {
  readonly #services: TerminalServices
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: mostFrameBytes, perMessageDeflate: false })
  readonly #open = new Set<Terminal>()

  constructor(services: TerminalServices) {
    this.#services = services
  }

  async upgrade({ request, socket, head }: Upgrade): Promise<void> {
    if (!this.#services.settings.hasTerminals) throw new Fault('Stream.TicketRefused')
    if (this.#open.size >= mostTerminals) throw new Fault('Stream.Busy')
    const ticket = await redeem(request.url ?? '', 'SessionId', 'terminal', this.#services)
    this.#sockets.handleUpgrade(request, socket, head, (client) => {
      const terminal: Terminal = new Terminal(client, ticket, this.#services, () => this.#open.delete(terminal))
      this.#open.add(terminal)
      terminal.start()
    })
  }

  /** Ends every terminal and waits until that is written down. */
  async stop(): Promise<void> {
    await Promise.all([...this.#open].map((terminal) => terminal.end(terminalCloseCodes.goingAway, 'the server stops')))
    this.#sockets.close()
  }
}

class Terminal {
  readonly #client: WebSocket
  readonly #ticket: StreamTicket
  readonly #services: TerminalServices
  readonly #onEnd: () => void
  readonly #bytes = { in: 0, out: 0 }
  #stream: NodeStream | undefined
  #underWay = 0
  #openedAtMs: number | undefined
  #ended: Promise<void> | undefined
  #idle: NodeJS.Timeout | undefined
  #opening: NodeJS.Timeout | undefined
  #pinging: NodeJS.Timeout | undefined
  #wasHeard = true
  #auditing: Promise<void> = Promise.resolve()

  constructor(client: WebSocket, ticket: StreamTicket, services: TerminalServices, onEnd: () => void) {
    this.#client = client
    this.#ticket = ticket
    this.#services = services
    this.#onEnd = onEnd
  }

  start(): void {
    const client = this.#client
    client.on('message', (frame, isBinary) => this.#received(frame, isBinary))
    client.on('pong', () => (this.#wasHeard = true))
    client.on('error', () => client.terminate())
    client.on('close', () => void this.end(terminalCloseCodes.ended, 'the client left'))
    this.#pinging = setInterval(() => this.#ping(), pingMs)
    this.#opening = setTimeout(() => this.#fail('NodeUnreachable', 'the node did not open the terminal in time'), openTimeoutMs)
    this.#touched()
    try {
      this.#stream = this.#services.hub.open(this.#ticket.nodeId, this.#ticket.request, {
        opened: () => this.#opened(),
        data: (chunk) => this.#send(chunk),
        inputTaken: (bytes) => this.#inputTaken(bytes),
        end: (outcome) => this.#nodeEnded(outcome),
      })
    } catch (error) {
      this.#fail((error as { code?: string }).code ?? 'Unexpected', (error as Error).message)
    }
  }

  /** Ends it once; resolves when the end is in the audit trail. */
  end(code: number, reason: string, exitCode?: number): Promise<void> {
    this.#ended ??= this.#end({ code, reason, ...(exitCode === undefined ? {} : { exitCode }) })
    return this.#ended
  }

  async #end({ code, reason, exitCode }: { code: number; reason: string; exitCode?: number }): Promise<void> {
    clearTimeout(this.#idle)
    clearTimeout(this.#opening)
    clearInterval(this.#pinging)
    this.#stream?.cancel()
    const client = this.#client
    client.resume()
    client.close(code, reason.slice(0, 120))
    setTimeout(() => client.terminate(), 2000).unref()
    this.#onEnd()
    await this.#auditing
    if (this.#openedAtMs === undefined) return
    const openForMs = this.#services.now() - this.#openedAtMs
    await this.#audit('CloseTerminal', { reason, ...(exitCode === undefined ? {} : { exitCode }), openForMs, bytes: this.#bytes })
  }

  #opened(): void {
    clearTimeout(this.#opening)
    this.#openedAtMs = this.#services.now()
    this.#auditing = this.#audit('OpenTerminal', {})
  }

  #received(frame: RawData, isBinary: boolean): void {
    if (this.#ended) return
    this.#touched()
    const bytes = frame as Buffer
    if (!isBinary) return this.#control(bytes.toString('utf8'))
    this.#bytes.in += bytes.length
    this.#underWay += bytes.length
    if (this.#underWay >= inputWindowBytes) this.#client.pause()
    this.#stream?.input(bytes)
  }

  #control(text: string): void {
    const size = parseResize(text)
    if (size === undefined) return void this.end(terminalCloseCodes.badFrame, 'a text frame must be {"resize":{"columns":80,"rows":24}}')
    this.#stream?.resize(size.columns, size.rows)
  }

  #inputTaken(bytes: number): void {
    this.#underWay = Math.max(0, this.#underWay - bytes)
    if (this.#underWay < inputWindowBytes && this.#client.isPaused) this.#client.resume()
  }

  #send(chunk: string | Buffer): Promise<void> {
    this.#bytes.out += chunk.length
    return new Promise((resolve, reject) => {
      this.#client.send(chunk, { binary: true }, (error) => (error ? reject(error) : resolve()))
    })
  }

  #nodeEnded({ exitCode, error }: StreamEnd): void {
    if (error !== undefined || exitCode === undefined) return this.#fail(error?.code ?? 'Unexpected', error?.message ?? 'the node gave up')
    this.#client.send(JSON.stringify({ exit: { code: exitCode } }))
    void this.end(terminalCloseCodes.ended, 'the command ended', exitCode)
  }

  #fail(code: string, message: string): void {
    if (this.#ended) return
    this.#client.send(JSON.stringify({ error: { code, message } }))
    void this.end(terminalCloseCodes.failed, code)
  }

  #touched(): void {
    clearTimeout(this.#idle)
    this.#idle = setTimeout(
      () => void this.end(terminalCloseCodes.idle, 'nothing was typed for too long'),
      this.#services.settings.terminalIdleMs,
    )
  }

  /** A client that vanished without a word must not keep a shell for ever. One that is paused cannot be heard. */
  #ping(): void {
    if (!this.#wasHeard && !this.#client.isPaused) return this.#client.terminate()
    this.#wasHeard = false
    this.#client.ping()
  }

  async #audit(action: string, detail: object): Promise<void> {
    const { store, now, log } = this.#services
    const { id, accountId, actor, nodeId, request } = this.#ticket
    const { key, container } = request
    const row = { id: `${id}/${action}`, accountId, actor, action, atMs: now(), outcome: 'ok' }
    try {
      await store.write(async (tx) => auditRow(tx, { ...row, detail: { nodeId, key, container, ...detail } }))
    } catch (error) {
      log.error({ err: error, terminal: id }, 'a terminal could not be noted in the audit trail')
      // A shell that nobody can be held to account for is not given.
      void this.end(terminalCloseCodes.failed, 'the audit trail cannot be written')
    }
  }
}

function parseResize(text: string): { columns: number; rows: number } | undefined {
  try {
    const { resize } = JSON.parse(text) as { resize?: { columns?: unknown; rows?: unknown } }
    const { columns, rows } = resize ?? {}
    const isSize = (value: unknown): value is number => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 1000
    return isSize(columns) && isSize(rows) ? { columns, rows } : undefined
  } catch {
    return undefined
  }
}
