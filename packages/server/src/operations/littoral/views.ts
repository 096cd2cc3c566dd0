// Nodes and their workloads as the wire shows them.
import type { GetNode, ListNodes } from '@littoral/contract/littoral/nodes'
import type { Binding } from '@littoral/contract/node/desired-state'
import type { Retreat } from '@littoral/contract/node/report'
import type { Output } from '@littoral/contract/operation'
import { nextAttemptAtMs } from '../../domain/next-attempt.ts'
import type { Assignment } from '../../store/assignments.ts'
import type { NodeDevice } from '../../store/iot-edge/device-states.ts'
import type { StoredDisk } from '../../store/node-disks.ts'
import type { NodeRecord } from '../../store/nodes.ts'
import type { StoredReport } from '../../store/reports.ts'
import type { NodeSample } from '../../store/samples.ts'
import type { DevicePropertyRow } from '../../store/tables/device-states.ts'

type NodeView = Output<typeof ListNodes>['Nodes'][number]
type DiskView = NonNullable<Output<typeof GetNode>['Disk']>
type WorkloadView = Output<typeof GetNode>['Workloads'][number]
type BindingView = Output<typeof GetNode>['Bindings'][number]
type DeviceView = Output<typeof GetNode>['Devices'][number]

/** Farther away from the epoch is no date any more; a node's clock may say anything. */
const mostMs = 8.64e15

export function toTime(ms: number): string {
  return new Date(Math.max(-mostMs, Math.min(mostMs, ms))).toISOString().replace(/\.\d+Z$/, 'Z')
}

export function toNodeView(node: NodeRecord): NodeView {
  const { facts } = node
  return {
    NodeId: node.id,
    Name: node.name,
    Region: node.region,
    Environments: [...node.environments],
    IsOnline: node.isOnline,
    ...(node.lastSeenAtMs === undefined ? {} : { LastSeenAt: toTime(node.lastSeenAtMs) }),
    CreatedAt: toTime(node.createdAtMs),
    ...(node.gatewayIotId === undefined ? {} : { GatewayIotId: node.gatewayIotId }),
    DesiredGeneration: node.generation,
    AcceptedGeneration: node.acceptedGeneration,
    AgentVersion: facts.agentVersion,
    EdgeVersion: facts.edgeVersion,
    Os: facts.os,
    Arch: facts.arch,
    Cpus: facts.cpus,
    MemoryBytes: facts.memoryBytes,
    Address: facts.address,
    Runtimes: facts.runtimes.map((runtime) => ({
      Name: runtime.name,
      ...(runtime.version === undefined ? {} : { Version: runtime.version }),
      IsAvailable: runtime.isAvailable,
      ...(runtime.reason === undefined ? {} : { Reason: runtime.reason }),
      ...(runtime.storageLimit === undefined ? {} : { StorageLimit: runtime.storageLimit }),
    })),
    DriverRuntimes: [...facts.driverRuntimes],
    ...(facts.driverRuntimeVersions === undefined
      ? {}
      : { DriverRuntimeVersions: facts.driverRuntimeVersions.map(({ name, version }) => ({ Name: name, Version: version })) }),
    Conditions: node.conditions.map(({ code, message, sinceMs }) => ({ Code: code, Message: message, Since: toTime(sinceMs) })),
  }
}

export function toDiskView(disk: StoredDisk): DiskView {
  return {
    TotalBytes: disk.totalBytes,
    FreeBytes: disk.freeBytes,
    StockBytes: disk.stockBytes,
    ...(disk.budgetBytes === undefined ? {} : { BudgetBytes: disk.budgetBytes }),
    IsShort: disk.isShort,
    Removed: disk.removed.map(({ name, sizeBytes, atMs }) => ({ Name: name, SizeBytes: sizeBytes, RemovedAt: toTime(atMs) })),
    ReceivedAt: toTime(disk.receivedAtMs),
  }
}

/** Every workload that the node should run or spoke of, by key. */
export function toWorkloadViews(
  assigned: readonly Assignment[],
  reported: readonly StoredReport[],
  used: ReadonlyMap<string, NodeSample>,
): WorkloadView[] {
  const desiredByKey = new Map(assigned.map((assignment) => [assignment.key, assignment]))
  const reportByKey = new Map(reported.map((report) => [report.key, report]))
  const keys = [...new Set([...desiredByKey.keys(), ...reportByKey.keys()])].sort()
  return keys.map((key) => {
    const desired = desiredByKey.get(key)
    const report = reportByKey.get(key)
    const sample = used.get(key)
    return {
      Key: key,
      ...(desired === undefined ? {} : { Desired: toDesired(desired) }),
      ...(report === undefined ? {} : { Reported: toReported(report) }),
      ...(sample === undefined ? {} : { Usage: toUsage(sample) }),
      IsCurrent: desired !== undefined && desired.version === report?.version && desired.digest === report.digest,
    }
  })
}

/** What lies on a node is what it was told with the generation it has accepted, so a newer generation leaves it open. */
export function toBindingView(binding: Binding, node: NodeRecord): BindingView {
  return {
    Kind: binding.kind,
    InstanceId: binding.instanceId,
    Id: binding.id,
    Name: binding.name,
    Content: binding.content,
    IsStored: node.acceptedGeneration >= node.generation,
  }
}

function toUsage(sample: NodeSample): NonNullable<WorkloadView['Usage']> {
  return {
    CpuMicros: sample.cpuMicros,
    MemoryBytes: sample.memoryBytes,
    ...(sample.memoryLimitBytes === undefined ? {} : { MemoryLimitBytes: sample.memoryLimitBytes }),
    ReadBytesPerSecond: sample.readBytesPerSecond,
    WrittenBytesPerSecond: sample.writtenBytesPerSecond,
    ReceivedAt: toTime(sample.atMs),
  }
}

function toDesired(assignment: Assignment): NonNullable<WorkloadView['Desired']> {
  return {
    Version: assignment.version,
    Digest: assignment.digest,
    Generation: assignment.generation,
    AssignedAt: toTime(assignment.assignedAtMs),
  }
}

function toProgressView(progress: NonNullable<StoredReport['progress']>): NonNullable<NonNullable<WorkloadView['Reported']>['Progress']> {
  const { subject, image, layersDone, layersTotal, doneBytes, totalBytes } = progress
  return {
    Subject: subject,
    ...(image === undefined ? {} : { Image: image }),
    ...(layersDone === undefined ? {} : { LayersDone: layersDone }),
    ...(layersTotal === undefined ? {} : { LayersTotal: layersTotal }),
    DoneBytes: doneBytes,
    ...(totalBytes === undefined ? {} : { TotalBytes: totalBytes }),
  }
}

function toReported(report: StoredReport): NonNullable<WorkloadView['Reported']> {
  const nextAttempt = nextAttemptAtMs(report)
  return {
    Version: report.version,
    Digest: report.digest,
    Phase: report.phase,
    ...(report.reason === undefined ? {} : { Reason: { Code: report.reason.code, Message: report.reason.message } }),
    ...(report.progress === undefined ? {} : { Progress: toProgressView(report.progress) }),
    ...(nextAttempt === undefined ? {} : { NextAttemptAt: toTime(nextAttempt) }),
    ...(report.failedAttempts === undefined ? {} : { FailedAttempts: report.failedAttempts }),
    Restarts: report.restarts,
    Addresses: report.addresses.map((address) => `${address.host}:${address.port}`),
    ...(report.serving === undefined ? {} : { ServingVersion: report.serving.version }),
    ...(report.retreat && { Retreat: toRetreat(report.retreat) }),
    ObservedAt: toTime(report.observedAtMs),
    ReceivedAt: toTime(report.receivedAtMs),
  }
}

const mostProperties = 50

export function toDeviceViews(devices: readonly NodeDevice[], properties: readonly DevicePropertyRow[]): DeviceView[] {
  const byDevice = new Map<string, DevicePropertyRow[]>()
  for (const row of properties) byDevice.set(row.iot_id, [...(byDevice.get(row.iot_id) ?? []), row])
  return devices.map(({ iotId, productKey, deviceName, driverId, isOnline, sinceMs }) => ({
    IotId: iotId,
    ProductKey: productKey,
    DeviceName: deviceName,
    DriverId: driverId,
    IsOnline: isOnline,
    Since: toTime(sinceMs),
    Properties: (byDevice.get(iotId) ?? [])
      .slice(0, mostProperties)
      .map(({ name, value, at_ms }) => ({ Name: name, Value: value, At: toTime(at_ms) })),
  }))
}

function toRetreat({ version, reason, atMs }: Retreat): NonNullable<NonNullable<WorkloadView['Reported']>['Retreat']> {
  return { Version: version, Code: reason.code, Message: reason.message, At: toTime(atMs) }
}
