// The node's one outbound WebSocket: connect, hello, desired state in, reports and streams out, and again after every loss.
//
// 1. A lost connection is dialled again after a random part of a pause that doubles up to 30 s, so that a thousand nodes do
//    not return in the same second. The pause starts over once a connection has held.
// 2. A refusal is said once, with the server's words. A permanent one is still retried, slowly: the token may be renewed.
// 3. A server that sends nothing for three heartbeats is gone, whatever TCP thinks.
// 4. Nothing the server sends ends the process: a message that does not fit the contract is logged and dropped.
import type { DeviceReport } from '@littoral/contract/node/device-report'
import { nodeProtocol, nodeSocketPath } from '@littoral/contract/node/protocol'
import type { WorkloadSample } from '@littoral/contract/node/sample'
import type { CallRequest, NodeMessage, ServerMessage, UpgradeRequest } from '@littoral/contract/node/stream'
import type { NodeFacts } from '@littoral/contract/node/report'
import type { WebSocket } from 'ws'
import { checkServerMessage } from './checks.ts'
import type { IdentityStore } from './identity.ts'
import { dial, type Refusal } from './dial.ts'
import { ExecStreams, type OpenExec } from './exec-streams.ts'
import { StepError } from './runtime/runtime.ts'
import { LogStreams, type OpenLogs } from './streams.ts'
import { pause } from './waits.ts'

/** With `isRestSame` what is not among the samples is as it was told last. */
export type SendSamples = (samples: WorkloadSample[], isRestSame?: boolean) => void

type UpgradeState = Extract<NodeMessage, { type: 'upgradeState' }>
/** Tells the server how far an upgrade is; of no effect once the connection is lost. */
export type TellUpgrade = (state: UpgradeState['state'], reason?: UpgradeState['reason']) => void

export interface SessionOptions {
  readonly server: URL
  readonly identity: IdentityStore
  readonly facts: (localAddress: string) => Promise<NodeFacts>
  readonly generation: () => number
  /** `takes`: what this server takes beyond what every server does. */
  readonly onConnected: (nodeId: string, send: (message: NodeMessage) => void, takes: readonly string[]) => void
  readonly onDisconnected: () => void
  readonly onDesired: (state: unknown) => Promise<void>
  /** The server takes what devices say; until the connection is lost. */
  readonly onDevicesWanted?: (send: (report: DeviceReport) => void) => void
  readonly onDevicesTaken?: (seq: number) => void
  /** Calls a device behind one of this node's drivers; its answer as text. */
  readonly callDevice?: (request: CallRequest, signal: AbortSignal) => Promise<string>
  /** The server answered for versions on trial. */
  readonly onConfirmed?: (workloads: Extract<ServerMessage, { type: 'confirmed' }>['workloads']) => Promise<void>
  /** What the server's clock says, also when it refuses this node. True: the node's own was so wrong that it may be for that. */
  readonly onServerTime?: (serverMs: number) => boolean
  readonly openLogs: OpenLogs
  readonly openExec: OpenExec
  /** The sink of log rivers that the server names, or that it names none. */
  readonly onLogSink?: (sink: (ServerMessage & { type: 'welcome' })['logSink']) => void
  /** Why releases by region pass this node over, or that they do not. */
  readonly onRegionProblem?: (problem: string | undefined) => void
  /** The server wants to know what workloads use, that often; until the connection is lost. */
  readonly onStatsWanted: (everyMs: number, send: SendSamples, mayRest: boolean) => void
  /** The node should run another agent. Said again on every connection until the outcome was told. */
  readonly onUpgrade?: (request: UpgradeRequest, tell: TellUpgrade) => void
  /** What is neither a state nor a stream. */
  readonly onCommand?: (command: ServerCommand, send: (message: NodeMessage) => void) => void
  readonly log: (line: string) => void
  readonly now?: () => number
  readonly random?: () => number
  readonly firstPauseMs?: number
  readonly slowPauseMs?: number
}

const longestPauseMs = 30_000
const welcomeTimeoutMs = 20_000
/** A connection that held this long was a good one. */
const heldMs = 10_000
const closeTimeoutMs = 2_000

/** Refusals of the credential itself, which can also come after the upgrade: a token used up meanwhile, a deleted node. */
const unauthenticated: ReadonlySet<string> = new Set(['Node.Unauthenticated', 'Node.TokenRefused'])

const unheard = {
  onConfirmed: () => Promise.resolve(),
  onServerTime: () => false,
  onLogSink: () => {},
  onRegionProblem: () => {},
  onDevicesWanted: () => {},
  onDevicesTaken: () => {},
  callDevice: noDevices,
  onUpgrade: () => {},
  onCommand: () => {},
}

export type ServerCommand = Extract<ServerMessage, { type: 'retry' | 'incidentState' }>
type StreamMessage = Extract<ServerMessage, { type: `stream${string}` }>

/** How a connection ended; a refusal decides when and with what the next one is tried. */
interface Ending {
  readonly refusal?: Refusal
  readonly problem?: string
}

export class Session {
  readonly #options: Required<SessionOptions>
  readonly #closing = new AbortController()
  #socket: WebSocket | undefined
  #loop: Promise<void> | undefined
  #said = ''

  constructor(options: SessionOptions) {
    this.#options = { now: Date.now, random: Math.random, firstPauseMs: 500, slowPauseMs: 60_000, ...unheard, ...options }
  }

  start(): void {
    this.#loop ??= this.#keepConnected()
  }

  /** Says goodbye with a close frame, and does not wait long for the answer. */
  async close(): Promise<void> {
    this.#closing.abort()
    const socket = this.#socket
    socket?.close(1001, 'the agent stops')
    const timer = setTimeout(() => socket?.terminate(), closeTimeoutMs)
    await this.#loop
    clearTimeout(timer)
  }

  async #keepConnected(): Promise<void> {
    const { firstPauseMs, slowPauseMs, random, identity, onServerTime } = this.#options
    let failures = 0
    while (!this.#closing.signal.aborted) {
      // Not the machine's clock, which may jump.
      const startedAtMs = performance.now()
      const { refusal, problem } = await this.#connectOnce()
      if (this.#closing.signal.aborted) return
      failures = performance.now() - startedAtMs >= heldMs ? 1 : failures + 1
      const isCorrected = refusal?.serverTimeMs !== undefined && onServerTime(refusal.serverTimeMs)
      if (refusal?.isUnauthenticated) identity.refused()
      this.#say(refusal ? `the server refuses this node: ${refusal.message} (${refusal.code})` : `connection: ${problem ?? 'lost'}`)
      const isHopeless = refusal?.isPermanent === true && !isCorrected
      const longestMs = isHopeless ? slowPauseMs : Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(failures - 1, 16))
      // After a refusal at least half: asking again at once is of no use to anybody.
      await pause(isHopeless ? longestMs * (0.5 + random() / 2) : longestMs * random(), this.#closing.signal)
    }
  }

  /** The same sentence again and again would bury what matters. */
  #say(line: string): void {
    if (line !== this.#said) this.#options.log(line)
    this.#said = line
  }

  async #connectOnce(): Promise<Ending> {
    const { server, identity, now } = this.#options
    const authorization = identity.socketHeader(now())
    if (authorization === undefined) return { problem: 'this node has no identity yet; start it with --token or --gateway' }
    const url = new URL(nodeSocketPath, server)
    url.protocol = server.protocol === 'https:' || server.protocol === 'wss:' ? 'wss:' : 'ws:'
    const dialled = await dial(url, authorization, this.#closing.signal)
    if (!dialled.isOpen) return dialled
    return this.#talk(dialled.socket, dialled.localAddress)
  }

  async #talk(socket: WebSocket, localAddress: string): Promise<Ending> {
    this.#socket = socket
    if (this.#closing.signal.aborted) socket.close(1001)
    const conversation = new Conversation(socket, this.#options, () => (this.#said = ''))
    try {
      return await conversation.run(localAddress)
    } finally {
      this.#socket = undefined
    }
  }
}

/** One connection, from its hello to its end. */
class Conversation {
  readonly #socket: WebSocket
  readonly #options: Required<SessionOptions>
  readonly #onWelcome: () => void
  readonly #logs: LogStreams
  readonly #commands: ExecStreams
  #watchdog: NodeJS.Timeout | undefined
  #silenceMs = welcomeTimeoutMs
  #isWelcome = false
  #refusal: Refusal | undefined
  #problem: string | undefined
  // Messages are handled one after the other: a desired state is on disk before the next one is looked at.
  #handling: Promise<void> = Promise.resolve()

  constructor(socket: WebSocket, options: Required<SessionOptions>, onWelcome: () => void) {
    this.#socket = socket
    this.#options = options
    this.#onWelcome = onWelcome
    this.#logs = new LogStreams(
      (request, signal) => (request.kind === 'logs' ? options.openLogs(request, signal) : only(options.callDevice(request, signal))),
      (message) => this.#send(message),
    )
    this.#commands = new ExecStreams(options.openExec, (message) => this.#send(message))
  }

  async run(localAddress: string): Promise<Ending> {
    const socket = this.#socket
    const closed = new Promise<void>((resolve) => {
      socket.once('close', (code: number, reason: Buffer) => {
        this.#problem ??= `the server closed it (${code}${reason.length > 0 ? `, ${reason.toString()}` : ''})`
        resolve()
      })
    })
    socket.on('error', (error: Error) => (this.#problem ??= error.message))
    socket.on('ping', () => this.#heard())
    socket.on('message', (content: Buffer, isBinary: boolean) => this.#received(content, isBinary))
    socket.resume()
    this.#heard()
    const { facts, generation } = this.#options
    try {
      this.#send({ type: 'hello', protocol: nodeProtocol, generation: generation(), facts: await facts(localAddress) })
    } catch (error) {
      this.#problem = `this node cannot describe itself: ${error instanceof Error ? error.message : String(error)}`
      socket.terminate()
    }
    await closed
    clearTimeout(this.#watchdog)
    this.#logs.close()
    this.#commands.close()
    await this.#handling
    if (this.#isWelcome) this.#options.onDisconnected()
    if (this.#refusal) return { refusal: this.#refusal }
    return { problem: this.#problem ?? 'lost' }
  }

  #send(message: NodeMessage): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(message))
  }

  #heard(): void {
    clearTimeout(this.#watchdog)
    this.#watchdog = setTimeout(() => {
      this.#problem = `the server was silent for ${Math.round(this.#silenceMs / 1000)} s`
      this.#socket.terminate()
    }, this.#silenceMs)
  }

  #received(content: Buffer, isBinary: boolean): void {
    this.#heard()
    const checked = isBinary ? { isValid: false as const, problem: 'a binary frame' } : parse(content)
    if (!checked.isValid) {
      this.#options.log(`the server sent something this agent does not understand: ${checked.problem}`)
      return
    }
    const message = checked.value
    this.#handling = this.#handling
      .then(() => this.#handle(message))
      .catch((error: unknown) => this.#options.log(`${message.type}: ${String(error)}`))
  }

  async #handle(message: ServerMessage): Promise<void> {
    switch (message.type) {
      case 'welcome':
        return this.#welcome(message)
      case 'refused':
        // The socket stays the server's to close; should it not, silence ends it.
        this.#refusal = { ...message, isUnauthenticated: unauthenticated.has(message.code) }
        this.#socket.close(1000)
        return
      case 'desired':
        return this.#options.onDesired(message.state)
      case 'devicesTaken':
        return this.#options.onDevicesTaken(message.seq)
      case 'confirmed':
        return this.#options.onConfirmed(message.workloads)
      case 'upgrade':
        return this.#upgrade(message.upgrade)
      case 'retry':
      case 'incidentState':
        return this.#options.onCommand(message, (answer) => this.#send(answer))
      default:
        return this.#stream(message)
    }
  }

  #upgrade(request: UpgradeRequest): void {
    this.#options.onUpgrade(request, (state, reason) =>
      this.#send({ type: 'upgradeState', id: request.id, state, ...(reason === undefined ? {} : { reason }) }),
    )
  }

  /** Streams of both kinds share their messages; an id belongs to one of them. */
  #stream(message: StreamMessage): void {
    switch (message.type) {
      case 'streamOpen':
        if (message.request.kind !== 'exec') return this.#logs.open(message.id, message.request)
        return this.#commands.open(message.id, message.request)
      case 'streamAck':
        this.#logs.acknowledge(message.id, message.bytes)
        return this.#commands.acknowledge(message.id, message.bytes)
      case 'streamCancel':
        this.#logs.cancel(message.id)
        return this.#commands.cancel(message.id)
      case 'streamInput':
        return this.#commands.input(message.id, Buffer.from(message.base64, 'base64'))
      case 'streamResize':
        return this.#commands.resize(message.id, message.columns, message.rows)
    }
  }

  async #welcome(message: ServerMessage & { type: 'welcome' }): Promise<void> {
    const { nodeId, nodeSecret, serverTimeMs, heartbeatMs, statsEveryMs, statsMayRest, logSink, takes = [], takesDevices } = message
    this.#options.onServerTime(serverTimeMs)
    // Before anything else: a join token may be good for one use only.
    if (nodeSecret !== undefined) await this.#options.identity.save({ nodeId, nodeSecret })
    this.#silenceMs = heartbeatMs * 3
    this.#heard()
    this.#isWelcome = true
    this.#onWelcome()
    this.#options.onRegionProblem(message.regionProblem)
    this.#options.onConnected(nodeId, (message) => this.#send(message), takes)
    this.#options.onLogSink(logSink)
    if (takesDevices === true) this.#options.onDevicesWanted((report) => this.#send({ type: 'devices', report }))
    if (statsEveryMs === undefined) return
    const send: SendSamples = (samples, isRestSame) => this.#send({ type: 'stats', samples, ...(isRestSame ? { isRestSame } : {}) })
    this.#options.onStatsWanted(statsEveryMs, send, statsMayRest === true)
  }
}

async function noDevices(): Promise<never> {
  throw new StepError('Unsupported', 'this node has no devices')
}

async function* only(text: Promise<string>): AsyncGenerator<string> {
  yield await text
}

function parse(content: Buffer): ReturnType<typeof checkServerMessage> {
  try {
    return checkServerMessage(JSON.parse(content.toString('utf8')))
  } catch {
    return { isValid: false, problem: 'not JSON' }
  }
}
