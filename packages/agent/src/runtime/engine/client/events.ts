// The engine's event stream for our own containers, kept open: after every (re)connect `onConnected` runs, so that the
// caller lists again; replaying missed events does not work on Podman.
import type { Readable } from 'node:stream'
import type { Engine } from './connection.ts'
import { EngineError, isEngineError } from './engine-error.ts'

export interface ContainerEvent {
  /** start, die, oom, destroy …; Podman's `died` and `remove` are mapped to Docker's words. */
  action: string
  containerId: string
  labels: Record<string, string>
  /** By the engine's clock. */
  atMs: number
}

export interface WatchEvents {
  label: string
  onConnected: () => void
  onEvent: (event: ContainerEvent) => void
  onLost: (error: unknown) => void
  signal: AbortSignal
}

const words: Record<string, string> = { died: 'die', remove: 'destroy', cleanup: 'die' }

/**
 * Runs until aborted. A lost connection is made anew with a growing pause, at most 5 s, and through `connect`, because the
 * engine that comes back may be another version.
 */
export async function watchEvents(connect: () => Promise<Engine>, watch: WatchEvents): Promise<void> {
  let pauseMs = 50
  while (!watch.signal.aborted) {
    try {
      const engine = await connect()
      const filters = JSON.stringify({ type: ['container'], label: [watch.label] })
      const body = await engine.stream({ path: '/events', query: { filters }, timeoutMs: 30_000, signal: watch.signal })
      pauseMs = 50
      watch.onConnected()
      await readEvents(body, watch.onEvent)
      throw new EngineError(0, 'the engine ended its event stream', 'unreachable')
    } catch (error) {
      if (watch.signal.aborted) return
      // Podman sends the head of its answer with the first event only: silence there is normal, not a loss.
      if (!isEngineError(error, 'timedOut')) watch.onLost(error)
    }
    await pause(pauseMs, watch.signal)
    pauseMs = Math.min(pauseMs * 2, 5000)
  }
}

export interface RecallEvents {
  containerId: string
  actions: readonly string[]
  /** As the engine writes times: with more digits than a Date has. */
  since: string
  /** What comes until then is waited for. */
  untilMs: number
  /** With this one it is enough. */
  isLast: (event: ContainerEvent) => boolean
}

/** A little longer than the engine was asked to listen. */
const recallSlackMs = 2000

/**
 * What happened to a container in a span of time that may end in the future. Engines keep some hundred events, of everything. One
 * that does not answer in time gives what it gave until then.
 */
export async function recallEvents(engine: Engine, recall: RecallEvents): Promise<ContainerEvent[]> {
  const { containerId, actions, since, untilMs } = recall
  const filters = JSON.stringify({ type: ['container'], container: [containerId], event: actions })
  const query = { since: seconds(since), until: (untilMs / 1000).toFixed(3), filters }
  const waitMs = Math.max(0, untilMs - Date.now()) + recallSlackMs
  const found: ContainerEvent[] = []
  // The deadline holds for the head of the answer and for what follows.
  const signal = AbortSignal.timeout(waitMs)
  let body: Readable | undefined
  try {
    body = await engine.stream({ path: '/events', query, isLongLived: true, timeoutMs: waitMs, signal })
    await readEvents(body, (event) => {
      found.push(event)
      if (recall.isLast(event)) body?.destroy()
    })
  } catch (error) {
    if (found.length === 0 && !signal.aborted) throw error
  } finally {
    body?.destroy()
  }
  return found
}

/** Since the engine's own nanosecond, or an event of the run before would count. */
function seconds(time: string): string {
  const fraction = /\.(\d{1,9})/.exec(time)?.[1] ?? '0'
  return `${Math.floor(Date.parse(time) / 1000)}.${fraction.padEnd(9, '0')}`
}

async function readEvents(body: AsyncIterable<unknown>, onEvent: WatchEvents['onEvent']): Promise<void> {
  let rest = ''
  for await (const chunk of body) {
    const lines = (rest + String(chunk)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const event = parseEvent(line)
      if (event !== undefined) onEvent(event)
    }
  }
}

function parseEvent(line: string): ContainerEvent | undefined {
  if (line.trim() === '') return undefined
  const event = JSON.parse(line) as {
    Action?: string
    status?: string
    id?: string
    time?: number
    timeNano?: number
    Actor?: { ID?: string; Attributes?: Record<string, string> }
  }
  const action = event.Action ?? event.status ?? ''
  const containerId = event.Actor?.ID ?? event.id ?? ''
  const atMs = event.timeNano === undefined ? (event.time ?? 0) * 1000 : event.timeNano / 1e6
  return { action: words[action] ?? action, containerId, labels: event.Actor?.Attributes ?? {}, atMs }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms)
    function done() {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done, { once: true })
  })
}
