// What the instances of an app use (contract: esa-edge-container §6.4, §12.13).
import Type from 'typebox'
import { operation } from '../operation.ts'
import { Time } from './fields.ts'

export const statsFields = [
  'container_cpu_usage_seconds_quota_rate',
  'container_cpu_usage_seconds_total',
  'container_fs_reads_bytes_avg',
  'container_fs_writes_bytes_avg',
  'container_memory_rss',
  'container_memory_rss_quota_rate',
  'pod_ready_rate',
] as const

const Figure = (description: string) => Type.Optional(Type.Number({ description }))
const Filter = (description: string) => Type.Optional(Type.String({ maxLength: 1024, description }))
const When = (description: string) => Type.Optional(Type.String({ maxLength: 64, description: `${description}, as 2026-01-05T08:00:00Z.` }))

export const DescribeEdgeContainerAppStats = operation({
  action: 'DescribeEdgeContainerAppStats',
  summary: 'Returns what the instances of an app used: a series and its means.',
  description:
    'Each figure is the mean over the instances of both environments, at most 240 points over the window, without a window those of the last hour. Processors are counted in cores, memory in bytes, disks in bytes per second, rates in percent. Where nothing is known, Points is empty and the means are 0. Figures are kept for a day.',
  access: 'get',
  input: Type.Object({
    App: Type.String({ minLength: 1, maxLength: 64, description: 'Id of the application; only here it is not called AppId.' }),
    EndTime: When('End of the window, after StartTime; default: now'),
    Fields: Type.String({
      minLength: 1,
      maxLength: 1024,
      pattern: '^[a-z_]+( *, *[a-z_]+)*$',
      examples: [...statsFields],
      description: `Which figures, separated by commas: ${statsFields.join(', ')}.`,
    }),
    Isp: Filter('Only nodes in regions of these carriers, separated by commas: telecom, unicom, mobile or cmcc.'),
    Locate: Filter('Only nodes of this region.'),
    StartTime: When('Start of the window; default: an hour before its end'),
    Tenant: Filter('Taken and not looked at: an installation has one.'),
  }),
  output: Type.Object({
    CpuUsageSecondsQuotaRateAvg: Figure('Use of processors against the limit, in percent.'),
    CpuUsageSecondsTotalAvg: Figure('Processors in use.'),
    FsReadsBytesAvgAvg: Figure('Bytes per second read from disks.'),
    FsWritesBytesAvgAvg: Figure('Bytes per second written to disks.'),
    MemoryRssAvg: Figure('Resident memory in bytes.'),
    MemoryRssQuotaRateAvg: Figure('Resident memory against the limit, in percent.'),
    PodReadyRateAvg: Figure('Share of instances that were ready, in percent.'),
    Points: Type.Array(
      Type.Object({
        ContainerCpuUsageSecondsQuotaRate: Figure('Use of processors against the limit, in percent.'),
        ContainerCpuUsageSecondsTotal: Figure('Processors in use.'),
        ContainerFsReadsBytesAvg: Figure('Bytes per second read from disks.'),
        ContainerFsWritesBytesAvg: Figure('Bytes per second written to disks.'),
        ContainerMemoryRss: Figure('Resident memory in bytes.'),
        ContainerMemoryRssQuotaRate: Figure('Resident memory against the limit, in percent.'),
        PodReadyRate: Figure('Share of instances that were ready, in percent.'),
        Time: Time('Begin of the interval the figures are the means of'),
      }),
      { description: 'The series, oldest first. A point has only the figures asked for.' },
    ),
  }),
  errors: ['InvalidParameter', 'InvalidApp.NotFound', 'InternalError'],
  example: {
    input: { App: 'app-880688675783794688', Fields: 'pod_ready_rate,container_memory_rss' },
    output: {
      CpuUsageSecondsQuotaRateAvg: 0,
      CpuUsageSecondsTotalAvg: 0,
      FsReadsBytesAvgAvg: 0,
      FsWritesBytesAvgAvg: 0,
      MemoryRssAvg: 1048576,
      MemoryRssQuotaRateAvg: 0,
      PodReadyRateAvg: 100,
      Points: [{ ContainerMemoryRss: 1048576, PodReadyRate: 100, Time: '2026-01-05T08:00:00Z' }],
    },
  },
})
