// Handlers of the operations on incidents.
import { Fault } from '@littoral/contract/errors'
import type { operations } from '@littoral/contract/littoral/index'
import type { Incident, IncidentContainer } from '@littoral/contract/node/incident'
import type { Handlers, Output } from '@littoral/contract/operation'
import * as incidents from '../../store/incidents.ts'
import type { Context } from '../context.ts'
import { toTime } from './views.ts'

type IncidentOperations = Pick<typeof operations, 'ListIncidents' | 'GetIncident'>
type HeadView = Output<typeof operations.ListIncidents>['Incidents'][number]
type ContainerView = Output<typeof operations.GetIncident>['Containers'][number]

export const incidentHandlers: Handlers<IncidentOperations, Context> = {
  async ListIncidents({ NodeId, Key, PageNumber = 1, PageSize = 20 }, { store, principal: { accountId } }) {
    const filter = { accountId, nodeId: NodeId, key: Key, offset: (PageNumber - 1) * PageSize, limit: PageSize }
    const { heads, total } = await store.read((tx) => incidents.page(tx, filter))
    return { TotalCount: total, PageNumber, PageSize, Incidents: heads.map(toHeadView) }
  },

  async GetIncident({ IncidentId }, { store, principal: { accountId } }) {
    const found = await store.read((tx) => incidents.find(tx, { accountId, id: IncidentId }))
    if (found === undefined) throw new Fault('Incident.NotFound', { IncidentId })
    const { instanceId, restarts, containers, attempts, previousVersion, changes, isCut } = found.incident
    return {
      Incident: toHeadView(found.head),
      ...(instanceId === undefined ? {} : { InstanceId: instanceId }),
      Restarts: restarts,
      Containers: containers.map(toContainerView),
      Attempts: attempts.map(toAttemptView),
      ...(previousVersion === undefined ? {} : { PreviousVersion: previousVersion }),
      Changes: changes.map(({ path, before, after }) => ({
        Path: path,
        ...(before === undefined ? {} : { Before: before }),
        ...(after === undefined ? {} : { After: after }),
      })),
      IsCut: isCut,
    }
  },
}

function toHeadView(head: incidents.IncidentHead): HeadView {
  return {
    IncidentId: head.id,
    NodeId: head.nodeId,
    Key: head.key,
    Version: head.version,
    Digest: head.digest,
    Kind: head.kind,
    Code: head.reason.code,
    Message: head.reason.message,
    HappenedAt: toTime(head.happenedAtMs),
    ReceivedAt: toTime(head.receivedAtMs),
  }
}

function toContainerView(container: IncidentContainer): ContainerView {
  const { exitCode, isOutOfMemory, image, imageDigest, startedAtMs, exitedAtMs, peaks } = container
  return {
    Name: container.name,
    State: container.state,
    Restarts: container.restarts,
    ...(exitCode === undefined ? {} : { ExitCode: exitCode }),
    ...(isOutOfMemory === undefined ? {} : { IsOutOfMemory: isOutOfMemory }),
    ...(image === undefined ? {} : { Image: image }),
    ...(imageDigest === undefined ? {} : { ImageDigest: imageDigest }),
    ...(startedAtMs === undefined ? {} : { StartedAt: toTime(startedAtMs) }),
    ...(exitedAtMs === undefined ? {} : { ExitedAt: toTime(exitedAtMs) }),
    ...(peaks === undefined ? {} : { Peaks: toPeaksView(peaks) }),
    Probes: container.probes.map(({ atMs, tookMs, isSuccess, output }) => ({
      At: toTime(atMs),
      TookMs: tookMs,
      IsSuccess: isSuccess,
      Output: output,
    })),
    Lines: [...container.lines],
  }
}

function toPeaksView(peaks: NonNullable<IncidentContainer['peaks']>): NonNullable<ContainerView['Peaks']> {
  const { memoryBytes, memoryLimitBytes, cpuMicros, cpuLimitMicros, processes, writtenBytes } = peaks
  return {
    MemoryBytes: memoryBytes,
    ...(memoryLimitBytes === undefined ? {} : { MemoryLimitBytes: memoryLimitBytes }),
    ...(cpuMicros === undefined ? {} : { CpuMicros: cpuMicros }),
    ...(cpuLimitMicros === undefined ? {} : { CpuLimitMicros: cpuLimitMicros }),
    ...(processes === undefined ? {} : { Processes: processes }),
    WrittenBytes: writtenBytes,
  }
}

function toAttemptView({ step, failures, reason, failedAtMs }: Incident['attempts'][number]) {
  return { Step: step, Failures: failures, Code: reason.code, Message: reason.message, FailedAt: toTime(failedAtMs) }
}
