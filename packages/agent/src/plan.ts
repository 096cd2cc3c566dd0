// What a node has to do next, as a value. `planNode` is pure: the reconciler observes, asks, lets the steps run that can run
// now, and asks again. Each step leads to a state from which the next plan goes on, so nothing depends on having finished.
//
// Invariants, which the tests cite:
// 1. Nothing that serves is stopped before its replacement is ready, holds the node's ports and has kept both for its bake
//    time; if it loses them within that time, the older one serves again. Drivers are the exception: they own devices, so two
//    versions never run at once; the old one stops when the new one's package is here.
// 2. Nothing starts before everything it needs is on the machine.
// 3. Without a desired state nothing is touched; with one, instances of keys it does not name are stopped and removed.
// 4. What the machine cannot run (no runtime, runtime away) leaves the older version of the same key alone.
// 5. Two steps that would touch the same thing never run together: see lane().
import type { Workload } from '@littoral/contract/node/desired-state'
import { type ObservedInstance, restartDelayMs, runDigest } from './runtime/runtime.ts'
import { lane, type Step, stepId } from './steps.ts'

/** A desired workload and the runtime that is to run it; undefined when none of this machine can. */
export interface Placement {
  readonly workload: Workload
  readonly runtime: string | undefined
}

export interface PlacedInstance extends ObservedInstance {
  readonly runtime: string
}

export interface Observed {
  readonly instances: readonly PlacedInstance[]
  /** Runtimes that could not be asked; their instances are the last known ones. */
  readonly unavailable: ReadonlySet<string>
  /** preparedId of each workload whose prepare step succeeded. */
  readonly prepared: ReadonlySet<string>
  /** Lanes of the steps that run at this moment. */
  readonly busy: ReadonlySet<string>
  /** stepId → when a step that failed may be tried again. */
  readonly heldUntilMs: ReadonlyMap<string, number>
  /** instanceId → since when it has been ready without a break, as far as this agent has seen. */
  readonly readySinceMs?: ReadonlyMap<string, number>
}

export interface Plan {
  readonly steps: readonly Step[]
  /** When time alone makes another step possible. */
  readonly nextAtMs?: number
}

export function preparedId(workload: Workload): string {
  return `${workload.key} ${workload.digest}`
}

export function planNode(desired: readonly Placement[] | undefined, observed: Observed, nowMs: number): Plan {
  if (desired === undefined) return { steps: [] }
  const byKey = groupByKey(observed.instances)
  const wanted = new Map(desired.map((placement) => [placement.workload.key, placement]))
  const candidates: Candidate[] = []
  for (const key of new Set([...wanted.keys(), ...byKey.keys()])) {
    candidates.push(...planKey(wanted.get(key), byKey.get(key) ?? [], observed))
  }
  return runnable(candidates, observed, nowMs)
}

function groupByKey(instances: readonly PlacedInstance[]): Map<string, PlacedInstance[]> {
  const byKey = new Map<string, PlacedInstance[]>()
  for (const instance of instances) {
    const group = byKey.get(instance.key)
    if (group) group.push(instance)
    else byKey.set(instance.key, [instance])
  }
  return byKey
}

/** A step together with when it is due; 0 is now. */
interface Candidate {
  readonly step: Step
  readonly atMs: number
}

function runnable(candidates: readonly Candidate[], observed: Observed, nowMs: number): Plan {
  const steps: Step[] = []
  const lanes = new Set(observed.busy)
  let nextAtMs = Number.POSITIVE_INFINITY
  for (const { step, atMs } of candidates) {
    if (observed.unavailable.has(step.runtime) || lanes.has(lane(step))) continue
    const dueAtMs = Math.max(atMs, observed.heldUntilMs.get(stepId(step)) ?? 0)
    if (dueAtMs > nowMs) {
      nextAtMs = Math.min(nextAtMs, dueAtMs)
      continue
    }
    lanes.add(lane(step))
    steps.push(step)
  }
  return Number.isFinite(nextAtMs) ? { steps, nextAtMs } : { steps }
}

function planKey(placement: Placement | undefined, instances: readonly PlacedInstance[], observed: Observed): Candidate[] {
  const live = instances.filter((instance) => !leftoverPhases.has(instance.phase))
  const left = instances.filter((instance) => leftoverPhases.has(instance.phase)).flatMap((instance) => clearAway(instance, observed))
  if (!placement) return [...left, ...live.map((instance) => stop(instance, 'removed'))]
  const targets = live.filter((instance) => isOf(instance, placement)).toSorted(byWorth)
  const [target, ...doubles] = targets
  const others = live.filter((instance) => !isOf(instance, placement)).toSorted(byWorth)
  const surplus = doubles.map((instance) => stop(instance, 'replaced'))
  if (placement.runtime === undefined) return [...left, ...surplus, ...[...targets.slice(0, 1), ...others].flatMap(keepGoing)]
  const place = { workload: placement.workload, runtime: placement.runtime }
  const isClear = instances.length === 0
  const change =
    place.workload.kind === 'driver'
      ? planDriver(place, { target, others, isClear, observed })
      : planGroup(place, { target, others, observed })
  return [...left, ...surplus, ...change]
}

interface Place {
  readonly workload: Workload
  readonly runtime: string
}

interface KeyState {
  readonly target: PlacedInstance | undefined
  readonly others: readonly PlacedInstance[]
  readonly observed: Observed
}

function planDriver(place: Place, { target, others, isClear, observed }: KeyState & { isClear: boolean }): Candidate[] {
  if (target) {
    const stops = others.map((instance) => stop(instance, 'replaced'))
    return [...stops, ...renewConfig(place, target, observed), ...keepGoing(target)]
  }
  if (!observed.prepared.has(preparedId(place.workload))) return [now({ kind: 'prepare', ...place }), ...others.flatMap(keepGoing)]
  return isClear ? [now({ kind: 'start', ...place })] : others.map((instance) => stop(instance, 'replaced'))
}

function planGroup(place: Place, { target, others, observed }: KeyState): Candidate[] {
  const bakeMs = place.workload.kind === 'group' ? (place.workload.bakeSeconds ?? 0) * 1000 : 0
  if (target?.phase === 'ready' && target.isActive) return retire(others, bakeMs === 0 ? 0 : bakedAtMs(target, bakeMs, observed))
  // The one of the older instances that serves, or, after a start of the agent, the one most likely to have served.
  const isSettled = target?.isActive === true && bakeMs === 0
  const [keeper, ...rest] = isSettled ? [] : others
  const spare = isSettled ? others : rest
  const hasActive = others.some((instance) => instance.isActive) || isSettled
  return [
    ...spare.map((instance) => stop(instance, 'replaced')),
    ...(target ? [] : bringUp(place, observed)),
    ...(target ? keepGoing(target) : []),
    ...(target?.phase === 'ready' ? [activate(target)] : []),
    ...(keeper ? keepGoing(keeper) : []),
    ...(keeper?.phase === 'ready' && !hasActive && target?.phase !== 'ready' ? [activate(keeper)] : []),
  ]
}

/** Stops what was replaced: the last one that served when the new one has baked, the others now. */
function retire([keeper, ...rest]: readonly PlacedInstance[], atMs: number): Candidate[] {
  if (keeper === undefined) return []
  return [...rest.map((instance) => stop(instance, 'replaced')), { ...stop(keeper, 'replaced'), atMs }, ...keepGoing(keeper)]
}

function bakedAtMs({ instanceId }: PlacedInstance, bakeMs: number, { readySinceMs }: Observed): number {
  const sinceMs = readySinceMs?.get(instanceId)
  return sinceMs === undefined ? Number.POSITIVE_INFINITY : sinceMs + bakeMs
}

function bringUp(place: Place, observed: Observed): Candidate[] {
  const isPrepared = observed.prepared.has(preparedId(place.workload))
  return [now({ kind: isPrepared ? 'start' : 'prepare', ...place })]
}

function renewConfig({ workload, runtime }: Place, target: PlacedInstance, observed: Observed): Candidate[] {
  if (workload.kind !== 'driver' || target.digest === workload.digest) return []
  if (!observed.prepared.has(preparedId(workload))) return [now({ kind: 'prepare', runtime, workload })]
  return [now({ kind: 'updateConfig', runtime, instanceId: target.instanceId, workload })]
}

/** Restarts what has exited, when its time has come. */
function keepGoing(instance: PlacedInstance): Candidate[] {
  const { runtime, key, instanceId } = instance
  return instance.containers
    .filter((container) => container.state === 'exited')
    .map((container) => ({
      step: { kind: 'restart', runtime, key, instanceId, container: container.name },
      atMs: (container.exitedAtMs ?? 0) + restartDelayMs(container.failures),
    }))
}

const leftoverPhases: ReadonlySet<string> = new Set(['incomplete', 'stopping', 'stopped'])

function clearAway(instance: PlacedInstance, observed: Observed): Candidate[] {
  // While a start of this key runs, the half-made instance is its work.
  if (instance.phase === 'incomplete' && observed.busy.has(`key ${instance.key}`)) return []
  if (instance.phase === 'stopping') return [stop(instance, 'removed')]
  const { runtime, key, instanceId } = instance
  return [now({ kind: 'remove', runtime, key, instanceId })]
}

function isOf(instance: PlacedInstance, { workload, runtime }: Placement): boolean {
  return (
    instance.runDigest === runDigest(workload) &&
    instance.restartToken === restartToken(workload) &&
    (runtime === undefined || instance.runtime === runtime)
  )
}

function restartToken(workload: Workload): string | undefined {
  return workload.kind === 'group' ? workload.restartToken : undefined
}

/** Serving first, then ready, then newest. */
function byWorth(a: PlacedInstance, b: PlacedInstance): number {
  return (
    Number(b.isActive) - Number(a.isActive) || Number(b.phase === 'ready') - Number(a.phase === 'ready') || b.createdAtMs - a.createdAtMs
  )
}

function stop({ runtime, key, instanceId, graceSeconds }: PlacedInstance, reason: 'replaced' | 'removed'): Candidate {
  return now({ kind: 'stop', runtime, key, instanceId, reason, graceSeconds })
}

function activate({ runtime, key, instanceId }: PlacedInstance): Candidate {
  return now({ kind: 'activate', runtime, key, instanceId })
}

function now(step: Step): Candidate {
  return { step, atMs: 0 }
}
