// What the containers of groups write, for log rivers: their outputs piece by piece from a position on, and where their files lie.
import { readFile } from 'node:fs/promises'
import type { OutputContainer, OutputPiece, OutputPort, OutputRoot } from '../runtime.ts'
import type { ContainerDetails } from './client/containers.ts'
import type { Engine } from './client/connection.ts'
import { isEngineError } from './client/engine-error.ts'
import { demultiplex } from './client/log-frames.ts'
import { type LogPosition, newPieces, openLog, timedPiece, unixTime } from './client/logs.ts'
import type { EngineContext } from './context.ts'
import { identityOf, memberOf } from './labels.ts'

export function outputsOf(context: EngineContext): OutputPort {
  return {
    async containers(signal) {
      const connected = await context.link.get(signal)
      const { instances } = await context.inventory.read(connected, signal)
      return [...instances].flatMap(([instanceId, members]) => toContainers(instanceId, [...members.values()]))
    },
    async *read(containerId, { after, sinceMs, signal }) {
      const { engine } = await context.link.get(signal)
      try {
        yield* readPieces(engine, containerId, { after: toPosition(after) ?? startOf(engine, sinceMs), signal })
      } catch (error) {
        if (signal.aborted || isEngineError(error, 'notFound')) return
        context.link.noteFailure(error)
        throw error
      }
    },
  }
}

function toContainers(instanceId: string, members: readonly ContainerDetails[]): OutputContainer[] {
  const identity = members.map(({ Config }) => identityOf(Config.Labels)).find((found) => found !== undefined)
  if (identity === undefined || identity.workload.kind !== 'group') return []
  const { workload, createdAtMs } = identity
  const { key, appId: app, environment, version } = workload
  return members.map((details) => {
    const { State, Id: containerId, Config } = details
    const root = rootOf(details)
    return {
      ...{ containerId, instanceId, key, app, environment, version, createdAtMs },
      container: memberOf(Config.Labels)?.container ?? '',
      isRunning: State.Running,
      run: State.Running ? State.StartedAt : `${State.StartedAt}/${State.FinishedAt}`,
      ...(root !== undefined && { root }),
    }
  })
}

/** While it runs, as its first process sees it; afterwards what it changed in its image, where the engine says where that is. */
function rootOf({ Id, State, GraphDriver }: ContainerDetails): OutputRoot | undefined {
  if (State.Running && State.Pid > 0) return { folder: `/proc/${State.Pid}/root`, isStill: () => isOf(Id, State.Pid) }
  const folder = GraphDriver?.Data?.['UpperDir']
  return folder === undefined ? undefined : { folder, isStill: () => Promise.resolve(true) }
}

/** A process id is used again, perhaps by a process whose root is that of this machine. */
async function isOf(containerId: string, pid: number): Promise<boolean> {
  const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '')
  return groups.includes(containerId)
}

interface Reading {
  readonly after: LogPosition | undefined
  readonly signal: AbortSignal
}

async function* readPieces(engine: Engine, containerId: string, { after, signal }: Reading): AsyncGenerator<OutputPiece[]> {
  const since = after === undefined ? undefined : unixTime(after.time)
  const query = { stdout: true, stderr: true, follow: true, since, timestamps: true }
  const body = await openLog(engine, { path: `/containers/${containerId}/logs`, query, signal }, true)
  if (body === undefined) return
  let pending: OutputPiece[] = []
  let position: LogPosition | undefined = after
  const isNew = newPieces(after, (reached) => (position = reached))
  const split = demultiplex((stream, payload) => {
    const { text, time } = timedPiece(payload)
    if (time === undefined || !isNew(time)) return
    // The payload is a view of what was received; it stays in memory as long as this does, which is not long.
    pending.push({ stream, time, bytes: text, position })
  })
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      split(chunk)
      if (pending.length === 0) continue
      const pieces = pending
      pending = []
      yield pieces
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    body.destroy()
  }
}

function toPosition(value: unknown): LogPosition | undefined {
  const { time, pieces } = (value ?? {}) as { time?: unknown; pieces?: unknown }
  if (typeof time !== 'string' || Number.isNaN(Date.parse(time)) || !Number.isSafeInteger(pieces)) return undefined
  return { time, pieces: Number(pieces) }
}

/** Podman's logs know whole seconds only; compared with them, the rest of a second would be the past. */
function startOf({ isPodman }: Engine, sinceMs: number | undefined): LogPosition | undefined {
  if (sinceMs === undefined) return undefined
  const time = new Date(sinceMs).toISOString()
  return { time: isPodman ? time.replace(/\.\d+/, '') : time.replace('Z', '000000Z'), pieces: 0 }
}
