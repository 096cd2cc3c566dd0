// From samples to a series and its means (contract: esa-edge-container §6.4, §12.13). Pure.
import { Fault } from '@littoral/contract/errors'
import { statsFields } from '@littoral/contract/edge-container/stats'
import type { WorkloadSample } from '@littoral/contract/node/sample'
import { parseTime } from './release.ts'

export type StatsField = (typeof statsFields)[number]

export interface StatsWindow {
  readonly fromMs: number
  readonly untilMs: number
}

const hourMs = 3600_000
const mostPoints = 240

/** Name in a point, name of the mean, and what a sample contributes; undefined where it says nothing of it. */
const metrics = {
  container_cpu_usage_seconds_quota_rate: [
    'ContainerCpuUsageSecondsQuotaRate',
    'CpuUsageSecondsQuotaRateAvg',
    (one) => share(one.cpuMicros, one.cpuLimitMicros),
  ],
  container_cpu_usage_seconds_total: ['ContainerCpuUsageSecondsTotal', 'CpuUsageSecondsTotalAvg', (one) => one.cpuMicros / 1e6],
  container_fs_reads_bytes_avg: ['ContainerFsReadsBytesAvg', 'FsReadsBytesAvgAvg', (one) => one.readBytesPerSecond],
  container_fs_writes_bytes_avg: ['ContainerFsWritesBytesAvg', 'FsWritesBytesAvgAvg', (one) => one.writtenBytesPerSecond],
  container_memory_rss: ['ContainerMemoryRss', 'MemoryRssAvg', (one) => one.memoryBytes],
  container_memory_rss_quota_rate: [
    'ContainerMemoryRssQuotaRate',
    'MemoryRssQuotaRateAvg',
    (one) => share(one.memoryBytes, one.memoryLimitBytes),
  ],
  pod_ready_rate: ['PodReadyRate', 'PodReadyRateAvg', (one) => (one.isReady ? 100 : 0)],
} as const satisfies Record<StatsField, readonly [string, string, (sample: WorkloadSample) => number | undefined]>

type PointName = (typeof metrics)[StatsField][0]
type MeanName = (typeof metrics)[StatsField][1]

export type Stats = Record<MeanName, number> & { Points: (Partial<Record<PointName, number>> & { Time: string })[] }

/** Throws InvalidParameter for a name nobody knows. */
export function parseStatsFields(text: string): StatsField[] {
  const names = text.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !statsFields.some((field) => field === name))
  if (unknown !== undefined)
    throw new Fault('InvalidParameter', { Detail: `Fields: ${unknown || 'an empty name'} is none of ${statsFields.join(', ')}.` })
  return [...new Set(names)] as StatsField[]
}

export function parseStatsWindow(input: { StartTime?: string; EndTime?: string }, nowMs: number): StatsWindow {
  const untilMs = input.EndTime ? parseTime(input.EndTime, 'EndTime') : nowMs + 1
  const fromMs = input.StartTime ? parseTime(input.StartTime, 'StartTime') : untilMs - hourMs
  if (fromMs >= untilMs) throw new Fault('InvalidParameter', { Detail: 'EndTime: it must lie after StartTime.' })
  return { fromMs, untilMs }
}

export interface Describing extends StatsWindow {
  readonly fields: readonly StatsField[]
  readonly leastStepMs: number
}

export function describeSamples(samples: readonly WorkloadSample[], { fields, fromMs, untilMs, leastStepMs }: Describing): Stats {
  const stepMs = Math.max(1000, leastStepMs, Math.ceil((untilMs - fromMs) / mostPoints / 1000) * 1000)
  const steps = new Map<number, WorkloadSample[]>()
  for (const sample of samples) {
    const step = Math.floor(sample.atMs / stepMs)
    const ofStep = steps.get(step)
    if (ofStep === undefined) steps.set(step, [sample])
    else ofStep.push(sample)
  }
  const points = [...steps]
    .toSorted(([a], [b]) => a - b)
    .map(([step, ofStep]) => {
      const Time = `${new Date(Math.max(fromMs, step * stepMs)).toISOString().slice(0, 19)}Z`
      const figures = fields.flatMap((field) => {
        const value = mean(ofStep, field)
        return value === undefined ? [] : [[metrics[field][0], value] as const]
      })
      return { ...(Object.fromEntries(figures) as Partial<Record<PointName, number>>), Time }
    })
  const means = statsFields.map((field) => [metrics[field][1], fields.includes(field) ? (mean(samples, field) ?? 0) : 0])
  return { ...(Object.fromEntries(means) as Record<MeanName, number>), Points: points }
}

function mean(samples: readonly WorkloadSample[], field: StatsField): number | undefined {
  const values = samples.map((sample) => metrics[field][2](sample)).filter((value) => value !== undefined)
  if (values.length === 0) return undefined
  const value = values.reduce((sum, one) => sum + one, 0) / values.length
  return Math.round(value * 1e6) / 1e6
}

function share(used: number, limit: number | undefined): number | undefined {
  return limit === undefined || limit <= 0 ? undefined : (used / limit) * 100
}
