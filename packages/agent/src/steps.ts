// The steps a node can take, and the table that carries each out on its runtime. The table is derived from the union, so a
// kind of step without an executor or a time limit does not compile. Planned by plan.ts, run by reconcile.ts.
import type { DriverWorkload, Workload } from '@littoral/contract/node/desired-state'
import type { OnProgress, Runtime, StopOptions } from './runtime/runtime.ts'

interface OnInstance {
  readonly runtime: string
  readonly key: string
  readonly instanceId: string
}

export type Step =
  | { readonly kind: 'prepare'; readonly runtime: string; readonly workload: Workload }
  | { readonly kind: 'start'; readonly runtime: string; readonly workload: Workload }
  | ({ readonly kind: 'activate' } & OnInstance)
  | ({ readonly kind: 'restart'; readonly container: string } & OnInstance)
  | { readonly kind: 'updateConfig'; readonly runtime: string; readonly instanceId: string; readonly workload: DriverWorkload }
  | ({ readonly kind: 'stop' } & OnInstance & StopOptions)
  | ({ readonly kind: 'remove' } & OnInstance)

export interface StepContext {
  readonly runtime: Runtime
  readonly signal: AbortSignal
  readonly onProgress: OnProgress
}

type Executors = { [K in Step['kind']]: (step: Extract<Step, { kind: K }>, context: StepContext) => Promise<unknown> }

const executors: Executors = {
  prepare: (step, { runtime, signal, onProgress }) => runtime.prepare(step.workload, signal, onProgress),
  start: (step, { runtime, signal }) => runtime.start(step.workload, signal),
  activate: (step, { runtime, signal }) => runtime.activate(step.instanceId, signal),
  restart: (step, { runtime, signal }) => runtime.restart(step.instanceId, step.container, signal),
  updateConfig: (step, { runtime, signal }) => runtime.updateConfig(step.instanceId, step.workload, signal),
  stop: (step, { runtime, signal }) => runtime.stop(step.instanceId, { reason: step.reason, graceSeconds: step.graceSeconds }, signal),
  remove: (step, { runtime, signal }) => runtime.remove(step.instanceId, signal),
}

type Limits = { [K in Step['kind']]: (step: Extract<Step, { kind: K }>) => number }

// Generous: a limit is there to end what hangs, not to hurry what is slow.
const limits: Limits = {
  prepare: () => 60 * 60_000,
  start: () => 5 * 60_000,
  activate: () => 30_000,
  restart: () => 2 * 60_000,
  updateConfig: () => 2 * 60_000,
  stop: (step) => (step.graceSeconds + 60) * 1000,
  remove: () => 2 * 60_000,
}

export function execute(step: Step, context: StepContext): Promise<unknown> {
  const run = executors[step.kind] as (step: Step, context: StepContext) => Promise<unknown>
  return run(step, context)
}

export function timeLimitMs(step: Step): number {
  const limit = limits[step.kind] as (step: Step) => number
  return limit(step)
}

export function stepKey(step: Step): string {
  return 'workload' in step ? step.workload.key : step.key
}

/** Steps of one lane exclude each other: making something of a key, and everything done to one instance. */
export function lane(step: Step): string {
  return step.kind === 'prepare' || step.kind === 'start' ? `key ${step.workload.key}` : `instance ${step.instanceId}`
}

/** Two steps with the same id are the same attempt again, which is what failures are counted by. */
export function stepId(step: Step): string {
  if (step.kind === 'prepare' || step.kind === 'start')
    return `${step.kind} ${step.workload.key} ${step.workload.digest} ${restartToken(step.workload)}`
  if (step.kind === 'restart') return `restart ${step.instanceId} ${step.container}`
  if (step.kind === 'updateConfig') return `updateConfig ${step.instanceId} ${step.workload.digest}`
  return `${step.kind} ${step.instanceId}`
}

function restartToken(workload: Workload): string {
  return workload.kind === 'group' ? (workload.restartToken ?? '') : ''
}
