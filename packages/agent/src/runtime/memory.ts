// The fake: workloads that exist only in memory, with scripted failures and delays (memory-script.ts). It passes the same
// contract suite as the real ones. Also `--runtime memory`, for trying Littoral out and for the journey tests.
import type { DriverWorkload, GroupWorkload, Workload } from '@littoral/contract/node/desired-state'
import { type ScriptedContainer, scripted } from './memory-script.ts'
import { MemoryShell } from './memory-shell.ts'
import {
  countFailures,
  driverGraceSeconds,
  type ExecOptions,
  type ExecSession,
  type LogOptions,
  type ObservedInstance,
  runDigest,
  type Runtime,
  type RuntimeFacts,
  StepError,
  type StopOptions,
} from './runtime.ts'

interface MemoryContainer {
  readonly plan: ScriptedContainer
  state: 'running' | 'exited'
  restarts: number
  failures: number
  startedAtMs: number
  exitedAtMs?: number
  exitCode?: number
  timer?: NodeJS.Timeout
}

interface MemoryInstance {
  readonly instanceId: string
  readonly createdAtMs: number
  workload: Workload
  readonly runDigest: string
  readonly containers: MemoryContainer[]
  readonly lines: { container: string; text: string; atMs: number }[]
  phase: 'live' | 'incomplete' | 'stopping' | 'stopped'
  wasReady: boolean
  lastRestartReason?: string
}

/** What a machine keeps when its agent ends. Give the same one to a new MemoryRuntime to restart the agent. */
export class MemoryMachine {
  readonly instances = new Map<string, MemoryInstance>()
  readonly images = new Set<string>()
  /** key → the instance its ports lead to, with the ports taken. */
  readonly ports = new Map<string, { instanceId: string; taken: { servicePort: number; port: number }[] }>()
  /** Set to make `observe` throw, as an engine that is down would. */
  failure: string | undefined
  count = 0
}

const maxLines = 5000
const firstFreePort = 20_000

export class MemoryRuntime implements Runtime {
  readonly name = 'memory'
  readonly #machine: MemoryMachine
  readonly #listeners = new Set<() => void>()
  readonly #now: () => number

  constructor(machine: MemoryMachine = new MemoryMachine(), now: () => number = Date.now) {
    this.#machine = machine
    this.#now = now
  }

  async capabilities(): Promise<RuntimeFacts> {
    return { name: this.name, isAvailable: true, driverRuntimes: ['nodejs8', 'python3', 'c', 'java8'] }
  }

  supports(): true {
    return true
  }

  async observe(): Promise<ObservedInstance[]> {
    if (this.#machine.failure !== undefined) throw new Error(this.#machine.failure)
    return [...this.#machine.instances.values()].map((instance) => this.#observed(instance))
  }

  async prepare(workload: Workload, signal: AbortSignal, onProgress: (message: string) => void): Promise<void> {
    for (const { name, image = name, script } of scripted(workload)) {
      if (workload.kind === 'group' && this.#machine.images.has(image)) continue
      onProgress(`pulling ${image}`)
      await wait(script.pullMs, signal)
      if (script.pullFailure === 'permanent') throw new StepError('ImageNotFound', `there is no image ${image}`, { isStalled: true })
      if (script.pullFailure === 'temporary') throw new StepError('ImagePullFailed', `the registry of ${image} does not answer`)
      this.#machine.images.add(image)
    }
  }

  async start(workload: Workload, signal: AbortSignal): Promise<string> {
    const plans = scripted(workload)
    const instanceId = `mem-${++this.#machine.count}`
    const instance: MemoryInstance = {
      instanceId,
      createdAtMs: this.#now(),
      workload,
      runDigest: runDigest(workload),
      containers: [],
      lines: [],
      phase: 'incomplete',
      wasReady: false,
    }
    this.#machine.instances.set(instanceId, instance)
    for (const plan of plans) {
      await wait(plan.script.startMs, signal)
      if (plan.script.failsToStart) throw new StepError('StartFailed', `${plan.name} cannot be started`)
      const container: MemoryContainer = { plan, state: 'running', restarts: 0, failures: 0, startedAtMs: 0 }
      instance.containers.push(container)
      this.#run(instance, container)
    }
    instance.phase = 'live'
    this.#changed()
    return instanceId
  }

  async activate(instanceId: string): Promise<void> {
    const instance = this.#get(instanceId)
    const { workload } = instance
    if (workload.kind !== 'group' || workload.ports.length === 0) return
    if (instance.containers.some(({ plan }) => plan.script.failsToActivate))
      throw new StepError('PortInUse', 'scripted', { isStalled: true })
    this.#machine.ports.set(workload.key, { instanceId, taken: this.#takePorts(workload) })
    this.#changed()
  }

  async restart(instanceId: string, name: string): Promise<void> {
    const instance = this.#get(instanceId)
    const container = instance.containers.find(({ plan }) => plan.name === name)
    if (!container) throw new StepError('NotFound', `${instanceId} has no container ${name}`)
    if (container.state === 'running' || instance.phase !== 'live') return
    container.restarts += 1
    instance.lastRestartReason = `exit code ${container.exitCode ?? 0}`
    this.#run(instance, container)
    this.#changed()
  }

  async updateConfig(instanceId: string, workload: DriverWorkload): Promise<void> {
    const instance = this.#get(instanceId)
    instance.workload = workload
    this.#say(instance, 'driver', `config ${workload.config}`)
    this.#changed()
  }

  async stop(instanceId: string, { graceSeconds }: StopOptions, signal: AbortSignal): Promise<void> {
    const instance = this.#machine.instances.get(instanceId)
    if (!instance || instance.phase === 'stopped') return
    instance.phase = 'stopping'
    this.#changed()
    const longestMs = Math.max(0, ...instance.containers.map(({ plan }) => plan.script.stopMs))
    await wait(Math.min(longestMs, graceSeconds * 1000), signal)
    for (const container of instance.containers) this.#end(container, 143)
    instance.phase = 'stopped'
    if (this.#machine.ports.get(instance.workload.key)?.instanceId === instanceId) this.#machine.ports.delete(instance.workload.key)
    this.#changed()
  }

  async remove(instanceId: string): Promise<void> {
    for (const container of this.#machine.instances.get(instanceId)?.containers ?? []) this.#end(container, 137)
    this.#machine.instances.delete(instanceId)
    this.#changed()
  }

  events(onChange: () => void): () => void {
    this.#listeners.add(onChange)
    return () => this.#listeners.delete(onChange)
  }

  async *logs(instanceId: string, { container, tailLines, follow, sinceMs = 0 }: LogOptions, signal: AbortSignal): AsyncGenerator<string> {
    const instance = this.#get(instanceId)
    if (container !== undefined && !instance.containers.some(({ plan }) => plan.name === container)) {
      throw new StepError('NotFound', `${instanceId} has no container ${container}`)
    }
    const text = (line: MemoryInstance['lines'][number]) => `${container === undefined ? `${line.container} | ` : ''}${line.text}\n`
    const isAsked = (line: MemoryInstance['lines'][number]) =>
      line.atMs >= sinceMs && (container === undefined || line.container === container)
    const past = instance.lines.filter(isAsked)
    yield* past.slice(Math.max(0, past.length - tailLines)).map(text)
    let seen = instance.lines.length
    while (follow && !signal.aborted) {
      yield* instance.lines.slice(seen).filter(isAsked).map(text)
      seen = instance.lines.length
      await wait(20, signal).catch(() => {})
    }
  }

  async exec(instanceId: string, options: ExecOptions): Promise<ExecSession> {
    const { containers } = this.#get(instanceId)
    const container = containers.find(({ plan }) => plan.name === (options.container ?? containers[0]?.plan.name))
    if (!container) throw new StepError('NotFound', `${instanceId} has no container ${options.container ?? ''}`)
    if (container.state !== 'running') throw new StepError('NotRunning', `${container.plan.name} does not run`)
    return new MemoryShell(options)
  }

  async usage(): Promise<[]> {
    return []
  }

  async tidy(keep: readonly Workload[]): Promise<void> {
    const wanted = new Set(
      [...keep, ...[...this.#machine.instances.values()].map(({ workload }) => workload)]
        .flatMap(scripted)
        .map(({ name, image = name }) => image),
    )
    for (const image of this.#machine.images) if (!wanted.has(image)) this.#machine.images.delete(image)
  }

  async close(): Promise<void> {
    this.#listeners.clear()
  }

  #run(instance: MemoryInstance, container: MemoryContainer): void {
    const { name, script } = container.plan
    container.state = 'running'
    container.startedAtMs = this.#now()
    this.#say(instance, name, `started ${name} of ${instance.workload.version}`)
    const { exit, readyAfterMs } = script
    if (exit) {
      container.timer = setTimeout(() => {
        this.#say(instance, name, `exited with code ${exit.code}`)
        container.failures = countFailures(container.failures, this.#now() - container.startedAtMs)
        this.#end(container, exit.code)
        this.#changed()
      }, exit.afterMs)
    } else if (readyAfterMs !== undefined) container.timer = setTimeout(() => this.#changed(), readyAfterMs)
    container.timer?.unref()
  }

  #end(container: MemoryContainer, exitCode: number): void {
    clearTimeout(container.timer)
    if (container.state === 'exited') return
    container.state = 'exited'
    container.exitCode = exitCode
    container.exitedAtMs = this.#now()
  }

  #takePorts({ key, ports }: GroupWorkload): { servicePort: number; port: number }[] {
    const others = [...this.#machine.ports].filter(([owner]) => owner !== key).flatMap(([, { taken }]) => taken.map(({ port }) => port))
    const used = new Set(others)
    return ports.map(({ servicePort, fallback }) => {
      if (used.has(servicePort) && !fallback) throw new StepError('PortInUse', `port ${servicePort} of the node is taken`)
      let port = fallback ? firstFreePort : servicePort
      while (used.has(port)) port += 1
      used.add(port)
      return { servicePort, port }
    })
  }

  #observed(instance: MemoryInstance): ObservedInstance {
    const { workload, instanceId, createdAtMs } = instance
    const active = this.#machine.ports.get(workload.key)
    const holdsPorts = active?.instanceId === instanceId
    const phase = instance.phase === 'live' ? this.#livePhase(instance) : instance.phase
    const exited = instance.containers.find(({ state }) => state === 'exited')
    return {
      instanceId,
      key: workload.key,
      kind: workload.kind,
      version: workload.version,
      digest: workload.digest,
      runDigest: instance.runDigest,
      ...(workload.kind === 'group' && workload.restartToken !== undefined ? { restartToken: workload.restartToken } : {}),
      phase,
      ...(phase === 'backoff' ? { reason: { code: 'ExitedEarly', message: `${exited?.plan.name}: exit code ${exited?.exitCode}` } } : {}),
      isActive: holdsPorts || workload.kind === 'driver' || (workload.ports.length === 0 && (phase === 'ready' || phase === 'unready')),
      createdAtMs,
      graceSeconds: workload.kind === 'group' ? workload.graceSeconds : driverGraceSeconds,
      restarts: instance.containers.reduce((sum, { restarts }) => sum + restarts, 0),
      ...(instance.lastRestartReason === undefined ? {} : { lastRestartReason: instance.lastRestartReason }),
      addresses: holdsPorts ? active.taken : [],
      containers: instance.containers.map((container) => ({
        name: container.plan.name,
        state: container.state,
        isReady: this.#isReady(container),
        restarts: container.restarts,
        failures: container.failures,
        startedAtMs: container.startedAtMs,
        ...(container.plan.image === undefined ? {} : { image: container.plan.image }),
        ...(container.state === 'exited' && container.exitCode !== undefined ? { exitCode: container.exitCode } : {}),
        ...(container.state === 'exited' && container.exitedAtMs !== undefined ? { exitedAtMs: container.exitedAtMs } : {}),
      })),
    }
  }

  #livePhase(instance: MemoryInstance): 'starting' | 'ready' | 'unready' | 'backoff' {
    if (instance.containers.some(({ state }) => state === 'exited')) return 'backoff'
    if (instance.containers.every((container) => this.#isReady(container))) {
      instance.wasReady = true
      return 'ready'
    }
    return instance.wasReady ? 'unready' : 'starting'
  }

  #isReady({ state, plan, startedAtMs }: MemoryContainer): boolean {
    // One that is about to exit does not pass its probes before.
    const { readyAfterMs, exit } = plan.script
    if (state !== 'running' || readyAfterMs === undefined || exit?.afterMs === 0) return false
    return this.#now() - startedAtMs >= readyAfterMs
  }

  #say(instance: MemoryInstance, container: string, text: string): void {
    if (instance.lines.length >= maxLines) return
    instance.lines.push({ container, text, atMs: this.#now() })
  }

  #get(instanceId: string): MemoryInstance {
    const instance = this.#machine.instances.get(instanceId)
    if (!instance) throw new StepError('NotFound', `there is no instance ${instanceId}`)
    return instance
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  if (ms <= 0) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort)
      resolve()
    }, ms)
    signal.addEventListener('abort', abort, { once: true })
  })
}
