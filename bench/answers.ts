// Asks every instance of a service again and again, as its users would, and says when each answered with what, and for how
// long it did not. In a process of its own, so that nobody measured waits for it or makes it wait.
// Questions: watch, until, gaps, stop.
import http from 'node:http'
import { openEngine, type Engine } from '../packages/agent/src/runtime/engine/client/connection.ts'
import { findContainer, listContainers } from '../packages/agent/src/runtime/engine/client/containers.ts'
import { watchEvents } from '../packages/agent/src/runtime/engine/client/events.ts'
import { answerQuestions } from './processes.ts'

export interface Watch {
  readonly everyMs: number
  /** Addresses that stay: instance → `host:port`. */
  readonly fixed?: Readonly<Record<string, string>>
  /** Instances whose address changes with every container. */
  readonly slots?: Slots
}

/** Containers of a label; the slot that one is in is the second part of another label's value: Swarm's `service.slot.task`. */
export interface Slots {
  readonly socketPath: string
  readonly label: string
  readonly slotLabel: string
  readonly count: number
}

export interface Until {
  readonly body: string
  readonly timeoutMs: number
}

export interface Gaps {
  /** Of all instances together: how long nothing answered that should have. */
  readonly totalMs: number
  readonly longestMs: number
  /** Instances that did not answer for some time. */
  readonly instances: number
  /** When the last one of them answered again. */
  readonly recoveredAtMs: number
}

interface Instance {
  /** container or name → `host:port`. */
  readonly addresses: Map<string, string>
  /** What its addresses answered last. */
  bodies: readonly string[]
  lastAnswerAtMs: number | undefined
  missingSinceMs: number | undefined
  gapMs: number
  recoveredAtMs: number
}

const requestTimeoutMs = 1000
const instances = new Map<string, Instance>()
const changed = new Set<() => void>()
let ending = new AbortController()
let engine: Engine | undefined

const instanceOf = (name: string): Instance => {
  const known = instances.get(name)
  if (known) return known
  const made: Instance = {
    addresses: new Map(),
    bodies: [],
    lastAnswerAtMs: undefined,
    missingSinceMs: undefined,
    gapMs: 0,
    recoveredAtMs: 0,
  }
  instances.set(name, made)
  return made
}

function ask(address: string): Promise<string | undefined> {
  const [host, port] = address.split(':')
  return new Promise((resolve) => {
    const request = http.get({ host, port: Number(port), agent: false, timeout: requestTimeoutMs }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      answer.once('end', () => resolve(answer.statusCode === 200 ? text : undefined))
      answer.once('error', () => resolve(undefined))
    })
    request.once('timeout', () => request.destroy())
    request.once('error', () => resolve(undefined))
  })
}

/** An instance answers when one of its addresses does: whoever asks it would be led there. */
async function look(instance: Instance): Promise<void> {
  const startedAtMs = Date.now()
  const answers = await Promise.all([...instance.addresses.values()].map(ask))
  instance.bodies = answers.filter((body) => body !== undefined)
  if (instance.bodies.length > 0) {
    if (instance.missingSinceMs !== undefined) {
      instance.recoveredAtMs = Date.now()
      instance.gapMs += instance.recoveredAtMs - instance.missingSinceMs
    }
    instance.missingSinceMs = undefined
    instance.lastAnswerAtMs = Date.now()
  } else if (instance.lastAnswerAtMs !== undefined) {
    instance.missingSinceMs ??= startedAtMs
  }
  for (const check of changed) check()
}

async function watch({ everyMs, fixed, slots }: Watch): Promise<void> {
  await stop()
  ending = new AbortController()
  for (const [name, address] of Object.entries(fixed ?? {})) instanceOf(name).addresses.set(name, address)
  if (slots) await follow(slots)
  for (const instance of instances.values()) void keepLooking(instance, everyMs, ending.signal)
}

async function keepLooking(instance: Instance, everyMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const [nextAtMs] = [Date.now() + everyMs, await look(instance)]
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, nextAtMs - Date.now())))
  }
}

/** Every container has a port of its own; which one is known as soon as it has started. */
async function follow({ socketPath, label, slotLabel, count }: Slots): Promise<void> {
  const opened = await openEngine({ socketPath })
  engine = opened
  for (let slot = 1; slot <= count; slot += 1) instanceOf(String(slot))
  const take = async (id: string) => {
    const details = await findContainer(opened, id)
    const slot = details?.Config.Labels?.[slotLabel]?.split('.')[1]
    const port = Object.values(details?.NetworkSettings.Ports ?? {})[0]?.[0]?.HostPort
    if (slot !== undefined && port !== undefined && details?.State.Running) instanceOf(slot).addresses.set(id, `127.0.0.1:${port}`)
  }
  const drop = (id: string) => {
    for (const { addresses } of instances.values()) addresses.delete(id)
  }
  await new Promise<void>((onConnected) => {
    void watchEvents(async () => opened, {
      label,
      onConnected,
      onEvent: ({ action, containerId }) => {
        if (action === 'start') void take(containerId)
        if (action === 'die') drop(containerId)
      },
      onLost: () => {},
      signal: ending.signal,
    })
  })
  for (const { Id } of await listContainers(opened, [label])) await take(Id)
}

/** Resolves with the time at which every instance was seen answering with this text; rejects after the timeout. */
function until({ body, timeoutMs }: Until): Promise<number> {
  return new Promise((resolve, reject) => {
    const isThere = () => [...instances.values()].every(({ bodies }) => bodies.includes(body))
    const end = () => {
      clearTimeout(timer)
      changed.delete(check)
    }
    const check = () => {
      if (!isThere()) return
      end()
      resolve(Date.now())
    }
    const timer = setTimeout(() => {
      end()
      const missing = [...instances].filter(([, { bodies }]) => !bodies.includes(body)).map(([name]) => name)
      reject(new Error(`${missing.join(', ')} did not answer ${body} within ${timeoutMs} ms`))
    }, timeoutMs)
    changed.add(check)
    check()
  })
}

/** Since the last question of this kind. */
async function gaps(): Promise<Gaps> {
  const nowMs = Date.now()
  const all = [...instances.values()].map((instance) => {
    const gapMs = instance.gapMs + (instance.missingSinceMs === undefined ? 0 : nowMs - instance.missingSinceMs)
    instance.gapMs = 0
    if (instance.missingSinceMs !== undefined) instance.missingSinceMs = nowMs
    return gapMs
  })
  const missed = all.filter((gapMs) => gapMs > 0)
  return {
    totalMs: missed.reduce((sum, gapMs) => sum + gapMs, 0),
    longestMs: Math.max(0, ...missed),
    instances: missed.length,
    recoveredAtMs: Math.max(...[...instances.values()].map(({ recoveredAtMs }) => recoveredAtMs)),
  }
}

async function stop(): Promise<void> {
  ending.abort()
  engine?.close()
  engine = undefined
  instances.clear()
}

answerQuestions({ watch, until, gaps, stop }, stop)
