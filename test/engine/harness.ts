// What tests on a real engine share: the engine, images made on the spot, a runtime with an owner of its own, and the
// removal of everything afterwards. Without an engine these tests fail and say so; only those of Podman may be skipped.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { GroupContainer, GroupWorkload } from '@littoral/contract/node/desired-state'
import { openForwarder } from '../../packages/agent/src/forwarder/client.ts'
import { openEngine, type Engine } from '../../packages/agent/src/runtime/engine/client/connection.ts'
import { listContainers, removeContainer, type ContainerSummary } from '../../packages/agent/src/runtime/engine/client/containers.ts'
import { openEngineRuntime, type EngineRuntimeOptions } from '../../packages/agent/src/runtime/engine/index.ts'
import type { ObservedInstance, Runtime } from '../../packages/agent/src/runtime/runtime.ts'
import { ensureEngine, type EngineHandle } from '../../tools/engine.ts'
import { makeSampleImage } from '../../tools/sample-image.ts'

export interface Bench {
  engine: Engine
  socketPath: string
  /** Opens a runtime; runtimes of one bench share owner and folder, as an agent and its successor do. */
  open(options?: Partial<EngineRuntimeOptions>): Runtime
  owner: string
  folder: string
  /** Removes every container of the owner. */
  clear(): Promise<void>
  dispose(): Promise<void>
}

/** Images with a web server that answers `one`, `two` on port 8080; see tools/sample-image.ts. */
export const imageOne = 'littoral-test/one:1'
export const imageTwo = 'littoral-test/two:1'
export const forever = () => AbortSignal.timeout(60_000)

/** On the machine's engine, or on another one that the caller started and that the bench stops in the end. */
export async function openBench(start: () => Promise<EngineHandle> = ensureEngine): Promise<Bench> {
  const handle = await start()
  const engine = await openEngine({ socketPath: handle.socketPath })
  await makeSampleImage(handle.socketPath, { tag: imageOne, body: 'one' })
  await makeSampleImage(handle.socketPath, { tag: imageTwo, body: 'two' })
  const folder = mkdtempSync(join(tmpdir(), 'littoral-engine-'))
  const owner = `test-${randomBytes(6).toString('hex')}`
  const opened: Runtime[] = []
  const clear = async () => {
    const list = await listContainers(engine, [`littoral.node=${owner}`])
    const isHolder = ({ Labels }: ContainerSummary) => Labels['littoral.role'] === 'holder'
    // Podman keeps a holder while a container is in its network.
    for (const part of [list.filter((one) => !isHolder(one)), list.filter(isHolder)]) {
      await Promise.all(part.map(({ Id }) => removeContainer(engine, Id)))
    }
  }
  return {
    engine,
    socketPath: handle.socketPath,
    owner,
    folder,
    clear,
    open(options = {}) {
      const runtime = openEngineRuntime({ owner, dataDir: folder, socketPath: handle.socketPath, ...options })
      opened.push(runtime)
      return runtime
    },
    async dispose() {
      await Promise.all(opened.map((runtime) => runtime.close()))
      await clear()
      const forwarder = openForwarder({ folder: join(folder, 'forwarder'), onLost: () => {} })
      if (await forwarder.isRunning()) await forwarder.ask('retire', {})
      forwarder.close()
      engine.close()
      rmSync(folder, { recursive: true, force: true })
      await handle.stop()
    },
  }
}

export function container(changes: Partial<GroupContainer> = {}): GroupContainer {
  return { name: 'web', image: imageOne, cpus: 1, memoryBytes: 64 * 1024 * 1024, storageBytes: 512 * 1024 * 1024, env: [], ...changes }
}

/** A container that runs a shell script. */
export function script(text: string, changes: Partial<GroupContainer> = {}): GroupContainer {
  return container({ command: ['/bin/sh', '-c', text], ...changes })
}

export function group(changes: Partial<GroupWorkload> = {}): GroupWorkload {
  const version = changes.version ?? 'v1'
  return {
    kind: 'group',
    key: `app/${randomBytes(4).toString('hex')}/prod`,
    version,
    digest: `digest-of-${version}`,
    appId: 'app-1',
    environment: 'prod',
    containers: [container()],
    ports: [],
    graceSeconds: 10,
    ...changes,
  }
}

export const probe = {
  tcpSocket: {
    type: 'tcpSocket' as const,
    port: 8080,
    initialDelaySeconds: 0,
    timeoutSeconds: 1,
    periodSeconds: 1,
    successThreshold: 1,
    failureThreshold: 2,
  },
}

export async function find(runtime: Runtime, instanceId: string): Promise<ObservedInstance | undefined> {
  return (await runtime.observe(forever())).find((instance) => instance.instanceId === instanceId)
}

/** Looks at the instance until it is as wanted, and returns it; after the time it throws with what was seen last. */
export async function until(
  runtime: Runtime,
  instanceId: string,
  isWanted: (instance: ObservedInstance) => boolean,
  withinMs = 15_000,
): Promise<ObservedInstance> {
  let seen: ObservedInstance | undefined
  for (const end = Date.now() + withinMs; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 20))) {
    seen = await find(runtime, instanceId)
    if (seen !== undefined && isWanted(seen)) return seen
  }
  throw new Error(`${instanceId} did not become as wanted within ${withinMs} ms; last seen: ${JSON.stringify(seen)}`)
}

export const isReady = (instance: ObservedInstance) => instance.phase === 'ready'

export async function eventually(isTrue: () => boolean | Promise<boolean>, withinMs = 15_000): Promise<void> {
  for (const end = Date.now() + withinMs; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 20)))
    if (await isTrue()) return
  throw new Error(`it did not come true within ${withinMs} ms`)
}

/** Prepares, starts, waits until ready, points the ports. */
export async function bringUp(runtime: Runtime, workload: GroupWorkload): Promise<ObservedInstance> {
  await runtime.prepare(workload, forever(), () => {})
  const instanceId = await runtime.start(workload, forever())
  await until(runtime, instanceId, isReady)
  await runtime.activate(instanceId, forever())
  return until(runtime, instanceId, (instance) => instance.isActive)
}
