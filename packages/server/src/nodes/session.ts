// One node's socket, from the accepted upgrade to its end: hello, welcome, desired state out, reports in, streams,
// heartbeat. Made by hub.ts, which knows what the session of a node is replaced by.
import { Fault } from '@littoral/contract/errors'
import type { DesiredState } from '@littoral/contract/node/desired-state'
import { nodeProtocol } from '@littoral/contract/node/protocol'
import type { WorkloadSample } from '@littoral/contract/node/sample'
import type { NodeMessage, ServerMessage } from '@littoral/contract/node/stream'
import type { RawData, WebSocket } from 'ws'
import { regionProblem } from '../domain/region-problem.ts'
import type { Services } from '../operations/context.ts'
import { type Admission, type AdmissionServices, enrol } from './admission.ts'
import { type Aside, takenAsides } from './asides.ts'
import { readDesired } from './desired.ts'
import { DeviceIntake } from './device-intake.ts'
import { ReportIntake } from './intake.ts'
import { parseNodeMessage } from './messages.ts'
import { Streams } from './streams.ts'
import { UpgradeTeller } from './upgrade-teller.ts'

export type SessionServices = AdmissionServices & Pick<Services, 'log' | 'settings'>

export interface SessionEvents {
  /** The node said hello and is enrolled; a session it had before is over now. */
  readonly joined: (session: NodeSession, nodeId: string) => void
  readonly ended: (session: NodeSession) => void
  readonly sampled: (nodeId: string, samples: readonly WorkloadSample[], isRestSame?: boolean) => void
  readonly said: (nodeId: string, message: Aside, answer: (message: ServerMessage) => void) => void
}

type Confirmable = Extract<NodeMessage, { type: 'confirm' }>['workloads'][number]

/** Close codes of ours. The node may reconnect after each of them, with a pause. */
export const closeCodes = { goingAway: 1001, violation: 1008, failed: 1011, replaced: 4000 } as const

const helloTimeoutMs = 10_000
const missedLimit = 3
/** A node that does not read is cut off before the server's memory fills with what it should be told. */
const mostBufferedBytes = 64 * 1024 * 1024

/**
 * Invariants:
 *
 * 1. Nothing but hello is accepted before hello; nothing is sent before welcome but a refusal.
 * 2. At most one desired state is under way; when it is flushed, the newest one follows if it is newer.
 * 3. The last thing heard counts as a sign of life, whatever it was.
 */
export class NodeSession {
  readonly #socket: WebSocket
  readonly #admission: Admission
  readonly #services: SessionServices
  readonly #events: SessionEvents
  readonly #streams: Streams
  #isGreeted = false
  #nodeId: string | undefined
  #intake: ReportIntake | undefined
  #devices: DeviceIntake | undefined
  #upgrades: UpgradeTeller | undefined
  #sentGeneration = -1
  #pushing: Promise<void> | undefined
  #confirming: Promise<void> | undefined
  #isPushWanted = false
  #wasHeard = true
  #missed = 0
  #heartbeat: NodeJS.Timeout | undefined
  #unsubscribe: (() => void) | undefined

  constructor(socket: WebSocket, admission: Admission, services: SessionServices, events: SessionEvents) {
    this.#socket = socket
    this.#admission = admission
    this.#services = services
    this.#events = events
    this.#streams = new Streams((message) => this.tell(message))
    this.#heartbeat = setTimeout(() => this.#refuse('HelloTimeout', 'no hello came in time'), helloTimeoutMs)
    socket.on('message', (frame, isBinary) => this.#receive(frame, isBinary))
    socket.on('pong', () => (this.#wasHeard = true))
    socket.on('ping', () => (this.#wasHeard = true))
    socket.on('close', () => this.#ended())
    socket.on('error', (error) => services.log.warn({ nodeId: this.#nodeId, err: error }, 'a node socket failed'))
  }

  get nodeId(): string | undefined {
    return this.#nodeId
  }

  get sentGeneration(): number {
    return this.#sentGeneration
  }

  /** Whether anything was heard since the last heartbeat, or the one before still counts. */
  get isAlive(): boolean {
    return this.#missed === 0 && this.#socket.readyState === this.#socket.OPEN
  }

  get streams(): Streams {
    return this.#streams
  }

  /** Ends the session; the socket gets a moment for the closing handshake, then it is cut. */
  close(code: number, reason: string): void {
    this.#socket.close(code, reason)
    setTimeout(() => this.#socket.terminate(), 2000).unref()
  }

  /** Resolves when nothing of this session touches the store any more: reports taken are stored, reads have ended. */
  async settled(): Promise<void> {
    const parts = [this.#intake, this.#devices, this.#upgrades]
    await Promise.all([this.#pushing, this.#confirming, ...parts.map((part) => part?.settled())])
  }

  /** Tells the node its desired state unless it has it already. */
  push(): void {
    this.#isPushWanted = true
    this.#pushing ??= this.#pushAll().finally(() => (this.#pushing = undefined))
  }

  async #pushAll(): Promise<void> {
    while (this.#isPushWanted && this.#nodeId !== undefined) {
      this.#isPushWanted = false
      try {
        const state = await readDesired(this.#services.store, this.#nodeId)
        if (state === undefined) return await this.#farewell()
        if (state.generation > this.#sentGeneration) await this.#sendDesired(state)
      } catch (error) {
        this.#services.log.error({ nodeId: this.#nodeId, err: error }, 'the desired state could not be sent')
        return this.close(closeCodes.failed, 'the desired state could not be sent')
      }
    }
  }

  /** A node that was deleted runs nothing any more, and this is the last chance to tell it. */
  async #farewell(): Promise<void> {
    await this.#sendDesired({ generation: this.#sentGeneration + 1, workloads: [] })
    this.close(closeCodes.violation, 'the node does not exist any more')
  }

  async #sendDesired(state: DesiredState): Promise<void> {
    this.#sentGeneration = state.generation
    await new Promise<void>((resolve) => this.#socket.send(encode({ type: 'desired', state }), () => resolve()))
  }

  #receive(frame: RawData, isBinary: boolean): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return
    this.#wasHeard = true
    let message: NodeMessage
    try {
      if (isBinary) throw new Error('binary frames are not used')
      message = parseNodeMessage((frame as Buffer).toString('utf8'))
    } catch (error) {
      return this.#refuse('BadMessage', (error as Error).message)
    }
    if (message.type === 'hello') {
      this.#hello(message).catch((error: unknown) => this.#refuseHello(error))
    } else if (this.#intake === undefined) {
      this.#refuse('BadMessage', `${message.type} came before the end of the greeting`)
    } else if (message.type === 'report') {
      this.#intake.take(message.report)
    } else if (message.type === 'devices') {
      const { seq } = message.report
      this.#devices?.take(message.report, () => this.tell({ type: 'devicesTaken', seq }))
    } else if (message.type === 'confirm') {
      // One question at a time; the node asks again.
      this.#confirming ??= this.#confirm(message.workloads, this.#intake).finally(() => (this.#confirming = undefined))
    } else if (message.type === 'stats') {
      if (this.#nodeId !== undefined) this.#events.sampled(this.#nodeId, message.samples, message.isRestSame)
    } else if (message.type === 'upgradeState') {
      this.#upgrades?.take(message)
    } else if (
      message.type === 'disk' ||
      message.type === 'retried' ||
      message.type === 'incidentOffer' ||
      message.type === 'incidentPart'
    ) {
      if (this.#nodeId !== undefined) this.#events.said(this.#nodeId, message, (answer) => this.tell(answer))
    } else {
      this.#streamed(message)
    }
  }

  /** Answers for what the node is still to run, once what it said before is stored: it has contact, and the server knows. */
  async #confirm(workloads: readonly Confirmable[], intake: ReportIntake): Promise<void> {
    try {
      await intake.settled()
      const state = this.#nodeId === undefined ? undefined : await readDesired(this.#services.store, this.#nodeId)
      const digests = new Map(state?.workloads.map(({ key, digest }) => [key, digest]))
      const confirmed = workloads.filter(({ key, digest }) => digests.get(key) === digest)
      if (confirmed.length > 0) this.tell({ type: 'confirmed', workloads: confirmed })
    } catch (error) {
      this.#services.log.error({ nodeId: this.#nodeId, err: error }, 'versions could not be confirmed')
    }
  }

  #streamed(message: Extract<NodeMessage, { type: `stream${string}` }>): void {
    switch (message.type) {
      case 'streamData':
        return this.#streams.take(message.id, message.text)
      case 'streamBytes':
        return this.#streams.take(message.id, Buffer.from(message.base64, 'base64'))
      case 'streamOpened':
        return this.#streams.opened(message.id)
      case 'streamInputAck':
        return this.#streams.inputTaken(message.id, message.bytes)
      case 'streamEnd':
        return this.#streams.end(message.id, message)
    }
  }

  async #hello(hello: NodeMessage & { type: 'hello' }): Promise<void> {
    if (this.#isGreeted) return this.#refuse('BadMessage', 'a second hello')
    this.#isGreeted = true
    if (hello.protocol !== nodeProtocol) {
      return this.#refuse('ProtocolMismatch', `this server speaks node protocol ${nodeProtocol}, the agent ${hello.protocol}`, true)
    }
    const enrolled = await enrol(this.#admission, hello, this.#services)
    if (this.#socket.readyState !== this.#socket.OPEN) return
    this.#begin(enrolled.nodeId, hello.generation)
    const problem = regionProblem(this.#services.settings.regions, enrolled)
    if (problem !== undefined) this.#services.log.warn({ nodeId: enrolled.nodeId, detail: problem }, 'the region of a node is unknown')
    this.tell({
      type: 'welcome',
      nodeId: enrolled.nodeId,
      ...(enrolled.nodeSecret === undefined ? {} : { nodeSecret: enrolled.nodeSecret }),
      serverTimeMs: this.#services.now(),
      heartbeatMs: this.#services.settings.heartbeatMs,
      statsEveryMs: this.#services.settings.statsEveryMs,
      ...(this.#services.settings.logSink && { logSink: this.#services.settings.logSink }),
      ...(problem !== undefined && { regionProblem: problem }),
      statsMayRest: true,
      takes: takenAsides,
      takesDevices: true,
    })
    this.push()
    this.#upgrades?.tell()
  }

  #begin(nodeId: string, acceptedGeneration: number): void {
    const { store, settings, log } = this.#services
    this.#nodeId = nodeId
    this.#sentGeneration = acceptedGeneration
    this.#intake = new ReportIntake(nodeId, this.#services, (error) => {
      log.error({ nodeId, err: error }, 'a report could not be stored')
      this.close(closeCodes.failed, 'the report could not be stored')
    })
    this.#devices = new DeviceIntake(nodeId, this.#services)
    this.#unsubscribe = store.changes(`assignments/${nodeId}`, () => this.push())
    this.#upgrades = new UpgradeTeller(nodeId, this.#services, (message) => this.tell(message))
    clearTimeout(this.#heartbeat)
    this.#heartbeat = setInterval(() => this.#beat(), settings.heartbeatMs)
    this.#events.joined(this, nodeId)
    log.info({ nodeId, generation: acceptedGeneration }, 'a node connected')
  }

  #beat(): void {
    this.#missed = this.#wasHeard ? 0 : this.#missed + 1
    this.#wasHeard = false
    if (this.#missed >= missedLimit) return this.#socket.terminate()
    this.#socket.ping()
  }

  /** Sends a message, unless the socket is closed or the node does not read. */
  tell(message: ServerMessage): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return
    if (this.#socket.bufferedAmount > mostBufferedBytes) {
      this.#services.log.warn({ nodeId: this.#nodeId }, 'a node does not read what it is sent and was cut off')
      return this.#socket.terminate()
    }
    this.#socket.send(encode(message))
  }

  #refuse(code: string, message: string, isPermanent = false): void {
    this.#services.log.warn({ nodeId: this.#nodeId, code, detail: message }, 'a node was refused')
    this.tell({ type: 'refused', code, message, isPermanent })
    this.close(closeCodes.violation, code)
  }

  #refuseHello(error: unknown): void {
    if (error instanceof Fault) return this.#refuse(error.code, error.message, error.status === 403)
    this.#services.log.error({ err: error }, 'a node could not be enrolled')
    this.#refuse('InternalError', 'the node could not be enrolled; try again')
  }

  #ended(): void {
    clearTimeout(this.#heartbeat)
    this.#unsubscribe?.()
    this.#upgrades?.close()
    this.#streams.close()
    this.#events.ended(this)
  }
}

function encode(message: ServerMessage): string {
  return JSON.stringify(message)
}
