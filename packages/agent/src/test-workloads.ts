// Workloads and instances for tests, with defaults for everything a test does not speak of.
import { createHash } from 'node:crypto'
import type { DesiredState, DriverWorkload, GroupContainer, GroupWorkload, Workload } from '@littoral/contract/node/desired-state'
import type { PlacedInstance } from './plan.ts'
import { runDigest } from './runtime/runtime.ts'

export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

export function container(overrides: Partial<GroupContainer> = {}): GroupContainer {
  return { name: 'web', image: 'demo/web:1', cpus: 1, memoryBytes: 64 << 20, storageBytes: 1 << 30, env: [], ...overrides }
}

export function group(overrides: Partial<GroupWorkload> = {}): GroupWorkload {
  const rest = {
    kind: 'group' as const,
    key: 'app/app-1/prod',
    version: 'ver-1',
    appId: 'app-1',
    environment: 'prod' as const,
    containers: [container()],
    ports: [{ servicePort: 8080, targetPort: 80, fallback: false }],
    graceSeconds: 5,
    ...overrides,
  }
  return { ...rest, digest: overrides.digest ?? sha256(JSON.stringify({ ...rest, restartToken: undefined })) }
}

export function driver(overrides: Partial<DriverWorkload> = {}): DriverWorkload {
  const rest = {
    kind: 'driver' as const,
    key: 'driver/inst-1/drv-1',
    version: '1.0.0',
    driverId: 'drv-1',
    driverName: 'meter',
    runtime: 'nodejs8' as const,
    edgeVersion: '2.0.0',
    package: { path: '/node/v1/objects/x', sha256: sha256('package'), sizeBytes: 7 },
    arguments: [],
    config: '{"config":{},"deviceList":[]}',
    files: [],
    ...overrides,
  }
  return { ...rest, digest: overrides.digest ?? sha256(JSON.stringify(rest)) }
}

export function desiredState(generation: number, ...workloads: Workload[]): DesiredState {
  return { generation, workloads }
}

/** An instance of a workload, ready and serving unless said otherwise. */
export function instanceOf(workload: Workload, overrides: Partial<PlacedInstance> = {}): PlacedInstance {
  return {
    runtime: 'memory',
    instanceId: `${workload.key}@${workload.version}`,
    key: workload.key,
    kind: workload.kind,
    version: workload.version,
    digest: workload.digest,
    runDigest: runDigest(workload),
    ...(workload.kind === 'group' && workload.restartToken !== undefined ? { restartToken: workload.restartToken } : {}),
    phase: 'ready',
    isActive: true,
    createdAtMs: 1000,
    graceSeconds: 5,
    restarts: 0,
    addresses: [],
    containers: [{ name: 'web', state: 'running', isReady: true, restarts: 0, failures: 0 }],
    ...overrides,
  }
}
