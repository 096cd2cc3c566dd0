// What the node does beside running workloads: it keeps room on its disk, and evidence of what failed. Put together here and
// hung into the reconciler's hooks and the session by agent.ts.
import { join } from 'node:path'
import type { Workload } from '@littoral/contract/node/desired-state'
import type { NodeMessage } from '@littoral/contract/node/stream'
import { DiskBudget, needsOf } from './disk/budget.ts'
import { DiskTeller } from './disk/disk-teller.ts'
import { GoodVersions } from './disk/good-versions.ts'
import type { Hooks, Look } from './hooks.ts'
import { IncidentFiles } from './incidents/files.ts'
import { PeakWatch } from './incidents/peaks.ts'
import { IncidentRecorder } from './incidents/recorder.ts'
import { SpecHistory } from './incidents/spec-history.ts'
import { IncidentUploader } from './incidents/uploader.ts'
import type { Runtime, UsageCounters } from './runtime/runtime.ts'
import type { ServerCommand } from './session.ts'

export interface CaretakerOptions {
  readonly dataDir: string
  readonly runtimes: readonly Runtime[]
  readonly diskBudgetBytes?: number | undefined
  readonly log: (line: string) => void
}

export interface Caretaker {
  readonly hooks: Hooks
  /** A server is there that takes these. */
  connected(send: (message: NodeMessage) => void, takes: readonly string[]): void
  disconnected(): void
  answered(command: Extract<ServerCommand, { type: 'incidentState' }>): void
  /** What workloads use, when it was looked at for the server anyway. */
  feed(counters: readonly UsageCounters[]): void
  close(): Promise<void>
}

export async function openCaretaker(options: CaretakerOptions): Promise<Caretaker> {
  const { runtimes, log } = options
  const teller = new DiskTeller()
  const { good, specs, budget, files } = await openKept(options, teller)
  let hasInstances = false
  const peaks = new PeakWatch({ runtimes, isNeeded: () => hasInstances })
  const uploader = new IncidentUploader({ files, log })
  const recorder = await openRecorder(options, { good, specs, files, peaks, onRecorded: () => uploader.wake() })
  const looked = (look: Look) => {
    hasInstances = look.instances.length > 0
    peaks.keepOnly(new Set(look.instances.map(({ instanceId }) => instanceId)))
    specs.note(look.desired)
    recorder.looked(look)
    good.note(look.desired, look.reports)
  }
  peaks.start()
  return {
    hooks: {
      makeRoom: (desired, signal) => budget.makeRoom(desired, signal),
      looked,
      leaving: (instanceId) => recorder.leaving(instanceId),
    },
    connected(send, takes) {
      if (takes.includes('disk')) teller.connected(send)
      if (takes.includes('incidents')) uploader.connected(send)
    },
    disconnected() {
      teller.disconnected()
      uploader.disconnected()
    },
    answered: (command) => void uploader.answered(command).catch((error: unknown) => log(`incident ${command.id}: ${String(error)}`)),
    feed: (counters) => peaks.feed(counters),
    async close() {
      peaks.close()
      uploader.disconnected()
      await Promise.all([recorder.close(), budget.settled(), good.saved(), specs.saved()])
    },
  }
}

/** What lies in the data folder. */
async function openKept({ dataDir, runtimes, diskBudgetBytes, log }: CaretakerOptions, teller: DiskTeller) {
  const needs = (workload: Workload) => needsOf(runtimes, workload)
  const good = await GoodVersions.open(join(dataDir, 'good-versions.json'), { needsOf: needs, log })
  const budget = await DiskBudget.open({
    runtimes,
    file: join(dataDir, 'stock.json'),
    budgetBytes: diskBudgetBytes,
    good,
    onReport: (report) => teller.update(report),
    log,
  })
  const specs = await SpecHistory.open(join(dataDir, 'spec-history.json'), log)
  return { good, budget, specs, files: new IncidentFiles(join(dataDir, 'incidents')) }
}

interface RecorderParts {
  readonly good: GoodVersions
  readonly specs: SpecHistory
  readonly files: IncidentFiles
  readonly peaks: PeakWatch
  readonly onRecorded: () => void
}

function openRecorder({ runtimes, log }: CaretakerOptions, { good, specs, files, peaks, onRecorded }: RecorderParts) {
  return IncidentRecorder.open({
    runtimes,
    files,
    peaksOf: (instanceId, container) => peaks.of(instanceId, container),
    difference: (key, digest) => specs.difference(key, digest),
    isGood: (key, digest) => good.has(key, digest),
    onRecorded,
    log,
    now: Date.now,
  })
}
