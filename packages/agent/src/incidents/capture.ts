// Gathers the evidence of an incident while it is still there: last lines, probe results, exits, peaks, attempts. Everything
// goes through the mask before anything is written, and the whole keeps within a size.
import { randomBytes } from 'node:crypto'
import type { Workload } from '@littoral/contract/node/desired-state'
import type { Incident, IncidentContainer, Peaks, ProbeResult } from '@littoral/contract/node/incident'
import { maxIncidentBytes } from '@littoral/contract/node/protocol'
import type { Reason } from '@littoral/contract/node/report'
import type { Look } from '../hooks.ts'
import type { PlacedInstance } from '../plan.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { limited } from '../waits.ts'
import type { Happening } from './detect.ts'
import { type Mask, maskFor } from './mask.ts'

export interface CaptureSources {
  readonly runtimes: readonly Runtime[]
  readonly peaksOf: (instanceId: string, container: string) => Peaks | undefined
  readonly difference: (key: string, digest: string) => Pick<Incident, 'previousVersion' | 'changes' | 'isCut'>
  readonly now: () => number
}

const tailLines = 100
const longestLine = 1000
const readTimeoutMs = 5000
/** Room for what the rest of the capsule and its escapes take. */
const mostLineBytes = maxIncidentBytes / 2

export async function capture(what: Happening, look: Look, sources: CaptureSources, signal: AbortSignal): Promise<Incident> {
  const { workload, report, kind, reason } = what
  // Values of the version before may stand in the lines too.
  const mask = maskFor([workload, ...look.desired])
  const instance = look.instances.find(({ instanceId }) => instanceId === report.instanceId)
  const containers = instance === undefined ? [] : await captureContainers(instance, { workload, mask, sources, signal })
  const attempts = look.attempts.filter(({ key, failures }) => key === workload.key && failures > 0)
  const { isCut, ...difference } = sources.difference(workload.key, workload.digest)
  const incident: Incident = {
    id: `inc-${randomBytes(8).toString('hex')}`,
    ...{ key: workload.key, version: workload.version, digest: workload.digest, kind },
    reason: masked(reason, mask),
    atMs: sources.now(),
    ...(report.instanceId === undefined ? {} : { instanceId: report.instanceId }),
    restarts: report.restarts,
    containers,
    attempts: attempts
      .slice(0, 20)
      .map(({ kind: step, failures, reason: why, failedAtMs }) => ({ step, failures, reason: masked(why, mask), failedAtMs })),
    ...difference,
    isCut,
  }
  return withinBounds(incident)
}

function masked({ code, message }: Reason, mask: Mask): Reason {
  return { code, message: mask(message).slice(0, 2000) }
}

interface Capturing {
  readonly workload: Workload
  readonly mask: Mask
  readonly sources: CaptureSources
  readonly signal: AbortSignal
}

async function captureContainers(instance: PlacedInstance, capturing: Capturing): Promise<IncidentContainer[]> {
  const { workload, mask, sources, signal } = capturing
  const runtime = sources.runtimes.find(({ name }) => name === instance.runtime)
  const probes = runtime?.probes?.(instance.instanceId)
  return Promise.all(
    instance.containers
      .slice(0, 64)
      .map(async ({ name, failures: _failures, isReady: _isReady, startedAtMs, exitedAtMs, ...container }) => {
        const lines = runtime === undefined ? [] : await lastLines(runtime, instance.instanceId, name, signal)
        const peaks = peaksOf(sources.peaksOf(instance.instanceId, name), container.isOutOfMemory === true, memoryLimit(workload, name))
        return {
          name,
          ...container,
          ...(isTime(startedAtMs) ? { startedAtMs } : {}),
          ...(isTime(exitedAtMs) ? { exitedAtMs } : {}),
          ...(peaks === undefined ? {} : { peaks }),
          probes: (probes?.get(name) ?? []).map((result: ProbeResult) => ({ ...result, output: mask(result.output).slice(0, 300) })),
          lines: mask(lines.join('\n'))
            .split('\n')
            .filter((line) => line !== '')
            .slice(-tailLines)
            .map((line) => line.slice(0, longestLine)),
        }
      }),
  )
}

/** Engines say year 1 for what never happened. */
function isTime(ms: number | undefined): ms is number {
  return Number.isSafeInteger(ms) && (ms ?? -1) > 0
}

/** Who is ended for its memory has reached its limit, whatever was seen before. */
function peaksOf(seen: Peaks | undefined, isOutOfMemory: boolean, limit: number | undefined): Peaks | undefined {
  if (!isOutOfMemory || limit === undefined) return seen
  return { writtenBytes: 0, ...seen, memoryBytes: Math.max(seen?.memoryBytes ?? 0, limit), memoryLimitBytes: limit }
}

function memoryLimit(workload: Workload, name: string): number | undefined {
  return workload.kind === 'group' ? workload.containers.find((container) => container.name === name)?.memoryBytes : undefined
}

/** What cannot be read in time is not there; the rest of the evidence is worth keeping. */
async function lastLines(runtime: Runtime, instanceId: string, container: string, parent: AbortSignal): Promise<string[]> {
  const chunks: string[] = []
  let length = 0
  const read = async (signal: AbortSignal) => {
    for await (const text of runtime.logs(instanceId, { container, tailLines, follow: false }, signal)) {
      chunks.push(text)
      length += text.length
      if (length > mostLineBytes * 4) break
    }
  }
  await limited(read, readTimeoutMs, parent).catch(() => {})
  return chunks.join('').split(/\r?\n/)
}

/** Halves the lines of whoever has most until the whole is small enough. */
export function withinBounds(incident: Incident): Incident {
  let bounded = incident
  while (Buffer.byteLength(JSON.stringify(bounded.containers.map(({ lines }) => lines))) > mostLineBytes) {
    const most = bounded.containers.toSorted((a, b) => sizeOf(b.lines) - sizeOf(a.lines))[0]
    if (most === undefined || most.lines.length === 0) break
    const lines = most.lines.slice(Math.ceil(most.lines.length / 2))
    bounded = { ...bounded, isCut: true, containers: bounded.containers.map((one) => (one === most ? { ...one, lines } : one)) }
  }
  if (Buffer.byteLength(JSON.stringify(bounded)) <= maxIncidentBytes) return bounded
  const containers = bounded.containers.map((container) => ({
    ...container,
    lines: container.lines.slice(-5),
    probes: container.probes.slice(-3),
  }))
  return { ...bounded, isCut: true, containers, changes: bounded.changes.slice(0, 50) }
}

function sizeOf(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + line.length, 0)
}
