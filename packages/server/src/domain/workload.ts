// From a version to what a node is told to run: sizes as numbers, texts as words, probe defaults applied. Pure. The
// digest names exactly this content; reports count only for the digest they carry.
import { createHash } from 'node:crypto'
import type { GroupContainer, GroupWorkload, Probe, Workload } from '@littoral/contract/node/desired-state'
import { type App, type Environment, workloadKey } from './app.ts'
import { nonEmpty, parseHook, splitCommandLine } from './command-line.ts'
import { parseEnv, parseHeaders } from './container-text.ts'
import type { Container, ContainerSpec, ContainerStorage } from './container.ts'
import { imageOf } from './image-reference.ts'
import type { Version } from './version.ts'

const gibibyte = 1024 ** 3
const storageBytes: Readonly<Record<ContainerStorage, number>> = {
  '0.5G': gibibyte / 2,
  '10G': 10 * gibibyte,
  '20G': 20 * gibibyte,
  '30G': 30 * gibibyte,
}
/** Time for open connections and preStop when a group is replaced or removed; Kubernetes' default. */
const graceSeconds = 30

type AppShape = Pick<App, 'id' | 'servicePort' | 'targetPort'>

/** What a node of the environment runs for this version. Production has exactly the service port, staging any free one. */
export function toGroupWorkload(app: AppShape, version: Pick<Version, 'id' | 'containers'>, environment: Environment): GroupWorkload {
  const workload = {
    kind: 'group' as const,
    key: workloadKey(app.id, environment),
    version: version.id,
    appId: app.id,
    environment,
    containers: version.containers.map(toGroupContainer),
    ports: [{ servicePort: app.servicePort, targetPort: app.targetPort, fallback: environment === 'staging' }],
    graceSeconds,
  }
  return { ...workload, digest: workloadDigest(workload) }
}

type Undigested<W> = W extends Workload ? Omit<W, 'digest'> & { readonly digest?: string } : never

/**
 * SHA-256 of the workload's canonical JSON without `digest`, `restartToken`, `bakeSeconds`, `confirmSeconds` and `trialId`, in hexadecimal.
 * Digests of images are left out too: one that becomes known later is no reason to start anything anew.
 */
export function workloadDigest(workload: Undigested<Workload>): string {
  type Unnamed = { restartToken?: string; bakeSeconds?: number; confirmSeconds?: number; trialId?: string }
  const named = workload as Undigested<Workload> & Unnamed
  const { digest: _digest, restartToken: _token, bakeSeconds: _bake, confirmSeconds: _confirm, trialId: _trial, ...content } = named
  return createHash('sha256').update(canonicalJson(content, 'imageDigest')).digest('hex')
}

/** JSON with the keys of every object in order, so that equal content is equal text. */
function canonicalJson(value: unknown, without: string): string {
  return JSON.stringify(value, (key, part: unknown) =>
    key === without
      ? undefined
      : typeof part === 'object' && part !== null && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
        : part,
  )
}

/** `2C4G`: two processors, four GiB of memory. */
export function specSize(spec: ContainerSpec): { cpus: number; memoryBytes: number } {
  const [cpus = Number.NaN, memory = Number.NaN] = spec.split(/[CG]/).map(Number)
  return { cpus, memoryBytes: memory * gibibyte }
}

function toGroupContainer(container: Container): GroupContainer {
  const command = nonEmpty(splitCommandLine(container.command ?? '', 'Command'))
  const args = nonEmpty(splitCommandLine(container.args ?? '', 'Args'))
  const postStart = parseHook(container.postStart ?? '', 'PostStart')
  const preStop = parseHook(container.preStop ?? '', 'PreStop')
  return {
    name: container.name,
    image: imageOf(container),
    ...(container.imageDigest !== undefined && { imageDigest: container.imageDigest }),
    ...specSize(container.spec),
    storageBytes: storageBytes[container.storage],
    ...(command && { command }),
    ...(args && { args }),
    env: parseEnv(container.env ?? '', 'EnvVariables').map(({ name, value }) => ({ name, value })),
    ...(postStart && { postStart }),
    ...(preStop && { preStop }),
    probe: toProbe(container),
  }
}

/** Only the keys of the probe's own type; defaults are those of a Kubernetes readiness probe. */
function toProbe({ probeKind, probe }: Container): Probe {
  const timing = {
    initialDelaySeconds: probe.initialDelaySeconds ?? 0,
    timeoutSeconds: probe.timeoutSeconds ?? 1,
    periodSeconds: probe.periodSeconds ?? 10,
    successThreshold: probe.successThreshold ?? 1,
    failureThreshold: probe.failureThreshold ?? 3,
  }
  const target = { ...(probe.port !== undefined && { port: probe.port }), ...(probe.host && { host: probe.host }) }
  switch (probeKind) {
    case 'exec':
      return { type: 'exec', command: splitCommandLine(probe.command ?? '', 'Command'), ...timing }
    case 'tcpSocket':
      return { type: 'tcpSocket', ...target, ...timing }
    case 'httpGet':
      return {
        type: 'httpGet',
        ...target,
        path: probe.path || '/',
        scheme: probe.scheme?.toLowerCase() === 'https' ? 'https' : 'http',
        headers: parseHeaders(probe.httpHeaders ?? '', 'HttpHeaders').map(({ name, value }) => ({ name, value })),
        ...timing,
      }
  }
}
