// One simulated machine: the real planner of the agent (plan.ts), its real report (status.ts) and its real rules for versions on trial
// (trial.ts) over instances that live in memory and a clock that jumps. Versions fail here as the world says.
import type { DesiredState, GroupWorkload } from '../../packages/contract/src/node/desired-state.ts'
import type { WorkloadReport } from '../../packages/contract/src/node/report.ts'
import { Attempts } from '../../packages/agent/src/attempts.ts'
import { type PlacedInstance, planNode, preparedId } from '../../packages/agent/src/plan.ts'
import { StepError } from '../../packages/agent/src/runtime/runtime.ts'
import { nodeStatus } from '../../packages/agent/src/status.ts'
import { lane, type Step } from '../../packages/agent/src/steps.ts'
import { NodeTrials } from './node-trials.ts'
import type { Random } from './random.ts'

/** How a version behaves on a node. */
export interface Behaviour {
  readonly pullMs: number
  readonly pull: 'works' | 'missing' | 'fails'
  /** undefined: never. */
  readonly readyAfterMs: number | undefined
  readonly exits: boolean
}

interface Instance {
  readonly id: string
  readonly workload: GroupWorkload
  readonly createdAtMs: number
  phase: 'live' | 'stopping' | 'stopped'
  isActive: boolean
  exitedAtMs?: number
  failures: number
}

function stateOf({ generation, workload }: { generation: number; workload: GroupWorkload | undefined }): DesiredState {
  return { generation, workloads: workload === undefined ? [] : [workload] }
}

export class SimulatedNode {
  readonly id: string
  readonly region: string
  isOnline = true
  desired: { generation: number; workload: GroupWorkload | undefined } | undefined
  /** Versions that were ever active and ready here. */
  readonly served = new Set<string>()
  wakeAtMs = 0
  report: WorkloadReport | undefined
  readonly trials = new NodeTrials()
  readonly #random: Random
  readonly #behave: (version: string, nodeId: string) => Behaviour
  #instances: Instance[] = []
  #running: { step: Step; doneAtMs: number }[] = []
  #prepared = new Set<string>()
  #readySinceMs = new Map<string, number>()
  #attempts: Attempts
  #count = 0

  constructor(id: string, region: string, { random, behave }: { random: Random; behave: (version: string, nodeId: string) => Behaviour }) {
    this.id = id
    this.region = region
    this.#random = random
    this.#behave = behave
    this.#attempts = new Attempts(() => random.next())
  }

  accept(generation: number, workload: GroupWorkload | undefined): void {
    if (this.desired !== undefined && generation <= this.desired.generation) return
    this.trials.accepting(this.desired && stateOf(this.desired), stateOf({ generation, workload }))
    this.desired = { generation, workload }
    const digest = this.#effective()?.digest
    this.#running = this.#running.filter(({ step }) => step.kind !== 'prepare' || step.workload.digest === digest)
    this.wakeAtMs = 0
  }

  /** The agent dies and starts again: what runs goes on, what it was doing is forgotten. */
  crash(nowMs: number): void {
    this.trials.restarted(nowMs)
    this.#running = []
    this.#prepared = new Set()
    this.#readySinceMs = new Map()
    this.#attempts = new Attempts(() => this.#random.next())
    this.wakeAtMs = 0
  }

  /** The version that is active and ready, the ground truth of this machine. */
  serving(nowMs: number): string | undefined {
    return this.#instances.find((instance) => instance.isActive && this.#phase(instance, nowMs) === 'ready')?.workload.version
  }

  servingDigest(nowMs: number): string | undefined {
    return this.#instances.find((instance) => instance.isActive && this.#phase(instance, nowMs) === 'ready')?.workload.digest
  }

  /** Whether anything of the version runs here. */
  runs(version: string): boolean {
    return this.#instances.some(
      ({ workload, phase, exitedAtMs }) => workload.version === version && phase === 'live' && exitedAtMs === undefined,
    )
  }

  get versions(): string[] {
    return [...new Set(this.#instances.map(({ workload }) => workload.version))]
  }

  #effective(): GroupWorkload | undefined {
    return this.desired && (this.trials.effective(stateOf(this.desired)).workloads[0] as GroupWorkload | undefined)
  }

  pass(nowMs: number): void {
    if (nowMs < this.wakeAtMs) return
    for (const { step } of this.#running.filter(({ doneAtMs }) => doneAtMs <= nowMs)) this.#finish(step, nowMs)
    this.#running = this.#running.filter(({ doneAtMs }) => doneAtMs > nowMs)
    this.#exit(nowMs)
    const digests = this.#instances.map(({ workload }) => workload.digest)
    this.trials.look(digests, nowMs)
    const workload = this.#effective()
    const placements = workload === undefined ? [] : [{ workload, runtime: 'simulated' }]
    const plan = planNode(
      this.desired && placements,
      {
        instances: this.#placed(nowMs),
        unavailable: new Set(),
        prepared: this.#prepared,
        busy: new Set(this.#running.map(({ step }) => lane(step))),
        heldUntilMs: this.#attempts.heldUntilMs(),
        readySinceMs: this.#noteReady(nowMs),
      },
      nowMs,
    )
    for (const step of plan.steps) {
      this.#running.push({ step, doneAtMs: nowMs + this.#takes(step) })
      if (step.kind === 'stop') this.#beginStop(step.instanceId)
    }
    const serving = this.serving(nowMs)
    if (serving !== undefined) this.served.add(serving)
    const running = this.#running.map(({ step }) => ({ step }))
    const common = { unavailable: new Map(), attempts: [...this.#attempts.list()], running, host: 'simulated', nowMs }
    this.report = this.trials.told(nodeStatus({ placements, instances: this.#placed(nowMs), ...common })[0])
    this.wakeAtMs = this.#nextMs(Math.min(plan.nextAtMs ?? Number.POSITIVE_INFINITY, this.trials.dueAtMs(nowMs)), nowMs)
  }

  /** A stop gives the ports away first, and is known by the next agent, too. */
  #beginStop(instanceId: string): void {
    const instance = this.#instances.find(({ id }) => id === instanceId)
    if (instance?.phase === 'live') Object.assign(instance, { phase: 'stopping', isActive: false })
  }

  #nextMs(planned: number, nowMs: number): number {
    const timers = this.#instances.map((instance) => {
      const { readyAfterMs, exits } = this.#behave(instance.workload.version, this.id)
      return exits ? nowMs + 1000 : instance.createdAtMs + (readyAfterMs ?? Number.POSITIVE_INFINITY)
    })
    const next = [...timers, ...this.#running.map(({ doneAtMs }) => doneAtMs), planned]
    return Math.min(...next.filter((atMs) => atMs > nowMs), nowMs + 60_000)
  }

  #noteReady(nowMs: number): Map<string, number> {
    const ready = this.#instances.filter((instance) => this.#phase(instance, nowMs) === 'ready')
    this.#readySinceMs = new Map(ready.map(({ id }) => [id, this.#readySinceMs.get(id) ?? nowMs]))
    return this.#readySinceMs
  }

  #takes(step: Step): number {
    if (step.kind === 'prepare') return this.#behave(step.workload.version, this.id).pullMs
    return this.#random.between(0, step.kind === 'stop' ? 5000 : 1000)
  }

  #finish(step: Step, nowMs: number): void {
    try {
      this.#do(step, nowMs)
      this.#attempts.succeeded(step, nowMs)
    } catch (error) {
      this.#attempts.failed(step, error, nowMs)
    }
  }

  #do(step: Step, nowMs: number): void {
    if (step.kind === 'prepare') {
      const { pull } = this.#behave(step.workload.version, this.id)
      if (pull === 'missing') throw new StepError('ImageNotFound', 'there is no such image', { isStalled: true })
      if (pull === 'fails') throw new StepError('ImagePullFailed', 'the registry does not answer')
      this.#prepared.add(preparedId(step.workload))
    } else if (step.kind === 'start') {
      const id = `${this.id}-${++this.#count}`
      const workload = step.workload as GroupWorkload
      this.#instances.push({ id, workload, createdAtMs: nowMs, phase: 'live', isActive: false, failures: 0 })
    } else this.#onInstance(step, nowMs)
  }

  #onInstance(step: Step, nowMs: number): void {
    const instance = this.#instances.find(({ id }) => 'instanceId' in step && id === step.instanceId)
    if (instance === undefined) return
    if (step.kind === 'activate') for (const other of this.#instances) other.isActive = other === instance
    else if (step.kind === 'restart') delete instance.exitedAtMs
    else if (step.kind === 'stop') Object.assign(instance, { phase: 'stopped', isActive: false })
    else if (step.kind === 'remove') this.#instances = this.#instances.filter((other) => other !== instance)
    this.#exit(nowMs)
  }

  #exit(nowMs: number): void {
    for (const instance of this.#instances) {
      if (instance.exitedAtMs !== undefined || !this.#behave(instance.workload.version, this.id).exits) continue
      instance.exitedAtMs = nowMs
      instance.failures += 1
    }
  }

  #phase(instance: Instance, nowMs: number): PlacedInstance['phase'] {
    if (instance.phase !== 'live') return instance.phase
    if (instance.exitedAtMs !== undefined) return 'backoff'
    const { readyAfterMs } = this.#behave(instance.workload.version, this.id)
    return readyAfterMs !== undefined && nowMs - instance.createdAtMs >= readyAfterMs ? 'ready' : 'starting'
  }

  #placed(nowMs: number): PlacedInstance[] {
    return this.#instances.map((instance) => {
      const { workload, exitedAtMs, failures } = instance
      const phase = this.#phase(instance, nowMs)
      const isExited = exitedAtMs !== undefined
      const container = { name: 'web', isReady: phase === 'ready', restarts: failures, failures }
      return {
        instanceId: instance.id,
        key: workload.key,
        kind: 'group',
        version: workload.version,
        digest: workload.digest,
        runDigest: workload.digest,
        runtime: 'simulated',
        phase,
        ...(isExited && { reason: { code: 'ExitedEarly', message: 'exit code 1' } }),
        isActive: instance.isActive,
        createdAtMs: instance.createdAtMs,
        graceSeconds: 5,
        restarts: failures,
        addresses: [],
        containers: [{ ...container, ...(isExited ? { state: 'exited', exitedAtMs } : { state: 'running' }) } as const],
      }
    })
  }
}
