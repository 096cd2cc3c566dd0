// The engine's event stream for our own containers, kept open: after every (re)connect `onConnected` runs, so that the
// caller lists again; replaying missed events does not work on Podman.
import type { Engine } from './connection.ts'
import { EngineError, isEngineError } from './engine-error.ts'

export interface ContainerEvent {
  /** start, die, oom, destroy …; Podman's `died` and `remove` are mapped to Docker's words. */
  action: string
  containerId: string
  labels: Record<string, string>
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
    Actor?: { ID?: string; Attributes?: Record<string, string> }
  }
  const action = event.Action ?? event.status ?? ''
  const containerId = event.Actor?.ID ?? event.id ?? ''
  return { action: words[action] ?? action, containerId, labels: event.Actor?.Attributes ?? {} }
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
