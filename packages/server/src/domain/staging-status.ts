// What the one staging instance shows of itself, in the words of a pod (contract: esa-edge-container §4.4). Pure. A report
// counts only when it speaks of exactly the assigned version and digest, and its node is there to stand by it.
import type { WorkloadReport } from '@littoral/contract/node/report'

export type StagingPhase =
  | 'NoContainer'
  | 'Pending'
  | 'ContainerCreating'
  | 'Running'
  | 'ImagePullBackOff'
  | 'CrashLoopBackOff'
  | 'Failed'
  | 'Unknown'

export interface StagingStatus {
  readonly phase: StagingPhase
  readonly isScheduled: boolean
  readonly isInitialized: boolean
  readonly areContainersReady: boolean
  readonly isReady: boolean
  readonly createdAtMs?: number
  readonly restarts: number
  readonly lastRestartReason?: string
  readonly addresses: readonly string[]
}

export interface StagingView {
  /** A version was published to staging. */
  readonly isPublished: boolean
  readonly assignment?: { readonly version: string; readonly digest: string } | undefined
  readonly isNodeOnline: boolean
  /** What the assigned node last said of the workload, whatever version it speaks of. */
  readonly report?: Omit<WorkloadReport, 'key' | 'observedAtMs'> | undefined
}

/** What the agent says of an exit, in the word that clients of pods look for. */
const podWords: Readonly<Record<string, string>> = { OutOfMemory: 'OOMKilled', ExitedEarly: 'Error', Exited: 'Error' }

const nothing = {
  isScheduled: false,
  isInitialized: false,
  areContainersReady: false,
  isReady: false,
  restarts: 0,
  addresses: [],
} as const

export function stagingStatus({ isPublished, assignment, isNodeOnline, report }: StagingView): StagingStatus {
  if (!isPublished) return { ...nothing, phase: 'NoContainer' }
  if (assignment === undefined) return { ...nothing, phase: 'Pending' }
  const isAboutIt = report !== undefined && report.version === assignment.version && report.digest === assignment.digest
  if (!isAboutIt) return { ...nothing, isScheduled: true, phase: isNodeOnline ? 'Pending' : 'Unknown' }
  const instance = {
    isScheduled: true,
    ...(report.createdAtMs !== undefined && { createdAtMs: report.createdAtMs }),
    restarts: report.restarts,
    ...(report.lastRestartReason !== undefined && { lastRestartReason: podWords[report.lastRestartReason] ?? report.lastRestartReason }),
  }
  if (!isNodeOnline) return { ...nothing, ...instance, phase: 'Unknown' }
  return {
    ...nothing,
    ...instance,
    phase: toPhase(report),
    isInitialized: ['starting', 'ready', 'unready', 'backoff'].includes(report.phase),
    areContainersReady: report.containers.length > 0 && report.containers.every((container) => container.isReady),
    isReady: report.phase === 'ready',
    addresses: report.addresses.map(({ host, port }) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)),
  }
}

function toPhase(report: NonNullable<StagingView['report']>): StagingPhase {
  // ImageNotFound, ImagePullFailed, RegistryUnreachable and whatever else a runtime says of an image.
  const isPullTrouble = /^(Image|Registry)/.test(report.reason?.code ?? '')
  const isRunning = report.containers.length > 0 && report.containers.every((container) => container.state === 'running')
  switch (report.phase) {
    case 'pending':
    case 'gone':
      return 'Pending'
    case 'preparing':
      return isPullTrouble ? 'ImagePullBackOff' : 'ContainerCreating'
    case 'starting':
      return isRunning ? 'Running' : 'ContainerCreating'
    case 'ready':
    case 'unready':
      return 'Running'
    case 'backoff':
      return isPullTrouble ? 'ImagePullBackOff' : 'CrashLoopBackOff'
    case 'failed':
      return isPullTrouble ? 'ImagePullBackOff' : 'Failed'
    case 'stopping':
      return isRunning ? 'Running' : 'Unknown'
  }
}
