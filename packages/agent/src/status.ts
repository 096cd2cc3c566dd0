// What the node says about each workload, from what was wanted, observed and tried. Pure. The rule of the contract: a report
// never claims more than was observed for exactly that version and digest.
import type { Phase, Progress, Reason, WorkloadReport } from '@littoral/contract/node/report'
import type { Attempt } from './attempts.ts'
import { nextAttempt } from './next-attempt.ts'
import type { PlacedInstance, Placement } from './plan.ts'
import { type Step, stepKey } from './steps.ts'

export interface StatusInput {
  readonly placements: readonly (Placement & { readonly refusal?: Reason })[]
  readonly instances: readonly PlacedInstance[]
  /** Runtimes that could not be asked, and why. */
  readonly unavailable: ReadonlyMap<string, string>
  readonly attempts: readonly Attempt[]
  /** Steps under way, with the last progress of each. */
  readonly running: readonly { readonly step: Step; readonly progress?: string; readonly material?: Progress }[]
  readonly host: string
  readonly nowMs: number
}

type Finding = Pick<WorkloadReport, 'phase'> & { readonly reason?: Reason | undefined }

export function nodeStatus(input: StatusInput): WorkloadReport[] {
  const wanted = new Set(input.placements.map((placement) => placement.workload.key))
  const leftovers = new Map(input.instances.filter((instance) => !wanted.has(instance.key)).map((instance) => [instance.key, instance]))
  return [
    ...input.placements.map((placement) => workloadStatus(placement, input)),
    ...[...leftovers.values()].map((instance) => toReport(instance, { phase: 'stopping' }, input)),
  ]
}

function workloadStatus(placement: StatusInput['placements'][number], input: StatusInput): WorkloadReport {
  const { key, version, digest } = placement.workload
  const live = input.instances.filter((instance) => instance.key === key && instance.phase !== 'stopping' && instance.phase !== 'stopped')
  const token = placement.workload.kind === 'group' ? placement.workload.restartToken : undefined
  const target = live
    .filter((instance) => instance.digest === digest && instance.restartToken === token && instance.phase !== 'incomplete')
    .toSorted((a, b) => Number(b.isActive) - Number(a.isActive) || b.createdAtMs - a.createdAtMs)[0]
  const serving = live.find((instance) => instance !== target && instance.isActive && instance.phase !== 'incomplete')
  const finding = target ? findingOf(target, input) : findingWithout(placement, input)
  const known = target
    ? toReport(target, finding, input)
    : { ...withReason(finding), key, version, digest, restarts: 0, addresses: [], containers: [], observedAtMs: input.nowMs }
  const material = input.running.find(({ step }) => step.kind === 'prepare' && stepKey(step) === key)?.material
  const base = { ...known, ...(material && { progress: material }), ...nextAttempt(key, target, input) }
  if (!serving || (target?.isActive && target.phase === 'ready')) return base
  return { ...base, serving: { version: serving.version, digest: serving.digest, instanceId: serving.instanceId } }
}

function findingOf(instance: PlacedInstance, input: StatusInput): Finding {
  const away = input.unavailable.get(instance.runtime)
  if (away !== undefined) {
    const phase = instance.phase === 'ready' ? 'unready' : outwardPhase(instance)
    return { phase, reason: { code: 'RuntimeUnavailable', message: away } }
  }
  if (instance.phase === 'ready' && instance.isActive) return { phase: 'ready', reason: instance.reason }
  const failure = lastFailure(instance.key, input)
  const reason = instance.reason ?? failure?.reason
  if (instance.phase !== 'ready') return { phase: outwardPhase(instance), reason }
  // Ready but without the ports: they are about to move, or they cannot, which is a failure of the workload.
  const isStuck = failure?.kind === 'activate' && failure.isStalled
  return {
    phase: isStuck ? 'failed' : 'starting',
    reason: reason ?? { code: 'SwitchingTraffic', message: 'ready; the node moves its ports to it' },
  }
}

function findingWithout({ workload, runtime, refusal }: StatusInput['placements'][number], input: StatusInput): Finding {
  if (runtime === undefined) return { phase: 'failed', reason: refusal }
  const away = input.unavailable.get(runtime)
  if (away !== undefined) return { phase: 'pending', reason: { code: 'RuntimeUnavailable', message: away } }
  const failure = lastFailure(workload.key, input)
  const running = input.running.find(({ step }) => stepKey(step) === workload.key)
  if (failure?.isStalled) return { phase: 'failed', reason: failure.reason }
  if (running?.step.kind === 'prepare') {
    const progress = running.progress === undefined ? undefined : { code: 'Preparing', message: running.progress.slice(0, 2000) }
    return { phase: 'preparing', reason: failure?.reason ?? progress }
  }
  if (failure) return { phase: failure.kind === 'prepare' ? 'preparing' : 'starting', reason: failure.reason }
  return { phase: running?.step.kind === 'start' || running?.step.kind === 'updateConfig' ? 'starting' : 'pending' }
}

function lastFailure(key: string, input: StatusInput): Attempt | undefined {
  return input.attempts.filter((attempt) => attempt.key === key).toSorted((a, b) => b.failedAtMs - a.failedAtMs)[0]
}

function outwardPhase({ phase }: PlacedInstance): Phase {
  if (phase === 'incomplete') return 'starting'
  return phase === 'stopped' ? 'stopping' : phase
}

function withReason({ phase, reason }: Finding): Pick<WorkloadReport, 'phase' | 'reason'> {
  return reason ? { phase, reason } : { phase }
}

function toReport(instance: PlacedInstance, finding: Finding, { host, nowMs }: StatusInput): WorkloadReport {
  return {
    ...withReason(finding),
    key: instance.key,
    version: instance.version,
    digest: instance.digest,
    instanceId: instance.instanceId,
    createdAtMs: instance.createdAtMs,
    restarts: instance.restarts,
    ...(instance.lastRestartReason === undefined ? {} : { lastRestartReason: instance.lastRestartReason.slice(0, 64) }),
    addresses: instance.addresses.map((address) => ({ host, ...address })),
    containers: instance.containers.map(({ exitedAtMs: _exitedAtMs, failures: _failures, ...container }) => container),
    observedAtMs: nowMs,
  }
}
