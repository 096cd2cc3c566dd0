// The logs of an instance in whole lines: one container, or all with their names in front. A followed container that is
// restarted goes on being followed.
import { setTimeout as sleep } from 'node:timers/promises'
import { StepError, type LogOptions } from '../runtime.ts'
import { findContainer, type ContainerDetails } from './client/containers.ts'
import type { Engine } from './client/connection.ts'
import { readLogs, type LogPosition } from './client/logs.ts'
import type { EngineContext } from './context.ts'
import { memberOf } from './labels.ts'

/** Lines that wait to be read; a reader who is too slow holds the engine up, not our memory. */
const maxWaiting = 1000
const longestLine = 64 * 1024

export async function* instanceLogs(
  context: EngineContext,
  instanceId: string,
  options: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const connected = await context.link.get(signal)
  const { instances } = await context.inventory.read(connected, signal)
  const members = [...(instances.get(instanceId)?.values() ?? [])]
  const wanted = members.filter(({ Config }) => options.container === undefined || memberOf(Config.Labels)?.container === options.container)
  if (wanted.length === 0) throw new StepError('NotFound', `there is no container ${options.container ?? ''} of ${instanceId} on this node`)
  const ending = new AbortController()
  const both = AbortSignal.any([signal, ending.signal])
  const sources = wanted.map((details) => {
    const prefix = options.container === undefined && members.length > 1 ? `${memberOf(details.Config.Labels)?.container} | ` : ''
    return prefixed(containerLines(context, details, options, both), options.container === undefined ? prefix : '')
  })
  try {
    yield* merge(sources)
  } finally {
    ending.abort()
  }
}

async function* containerLines(
  context: EngineContext,
  details: ContainerDetails,
  options: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const { engine } = await context.link.get(signal)
  const isTty = details.Config.Tty === true
  let { StartedAt } = details.State
  let last: LogPosition = { time: ofEngine(engine, details.State.FinishedAt), pieces: 0 }
  const common = { follow: options.follow, isTty, signal, onPosition: (position: LogPosition) => (last = position) }
  const after = options.sinceMs === undefined ? {} : { after: { time: ofEngine(engine, nanoTime(options.sinceMs)), pieces: 0 } }
  yield* lines(readLogs(engine, details.Id, { ...common, ...after, tailLines: options.tailLines }))
  while (options.follow && !signal.aborted) {
    const now = (await findContainer(engine, details.Id, { signal }).catch(() => undefined))?.State
    if (now === undefined) return
    if (now.StartedAt === StartedAt) await sleep(500, undefined, { signal }).catch(() => {})
    else {
      // Went on by the time of the last line: a run's first lines are older than its StartedAt, and its last ones may be
      // younger than its FinishedAt. A short run may be over by now; what it wrote is still to be told.
      StartedAt = now.StartedAt
      yield* lines(readLogs(engine, details.Id, { ...common, after: last }))
    }
  }
}

/** Podman's logs know whole seconds only; compared with them, the rest of a second would be the past. */
const ofEngine = (engine: Engine, time: string) => (engine.isPodman ? time.replace(/\.\d+/, '') : time)

/** A time with nanoseconds, as Docker writes it. */
const nanoTime = (ms: number) => new Date(ms).toISOString().replace('Z', '000000Z')

async function* lines(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of chunks) {
    rest += chunk
    const end = rest.lastIndexOf('\n') + 1
    if (end > 0) yield rest.slice(0, end)
    rest = rest.slice(end)
    if (rest.length <= longestLine) continue
    yield `${rest}\n`
    rest = ''
  }
  if (rest !== '') yield `${rest}\n`
}

async function* prefixed(source: AsyncIterable<string>, prefix: string): AsyncGenerator<string> {
  for await (const text of source) yield prefix === '' ? text : text.replace(/^/gm, prefix).slice(0, -prefix.length)
}

/** Takes from whichever source has something next. */
async function* merge(sources: readonly AsyncGenerator<string>[]): AsyncGenerator<string> {
  const [only] = sources
  if (sources.length === 1 && only !== undefined) return yield* only
  const waiting: string[] = []
  let wake = () => {}
  let open = sources.length
  let failure: Error | undefined
  const space = new Set<() => void>()
  for (const source of sources) {
    void (async () => {
      try {
        for await (const text of source) {
          waiting.push(text)
          wake()
          if (waiting.length >= maxWaiting) await new Promise<void>((resolve) => space.add(resolve))
        }
      } catch (error) {
        failure = error instanceof Error ? error : new Error(String(error))
      }
      open -= 1
      wake()
    })()
  }
  while (true) {
    const text = waiting.shift()
    if (text !== undefined) {
      for (const resume of space) resume()
      space.clear()
      yield text
    } else if (failure !== undefined) throw failure
    else if (open === 0) return
    else await new Promise<void>((resolve) => (wake = resolve))
  }
}
