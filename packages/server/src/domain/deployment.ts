// Deployments: what may be deployed, and planDeployment(), which moves a job through its stages by what is known of the
// gateway's node. Pure; loops/deployments.ts reads the view and writes the outcome (contract: iot-edge §3).
import { Fault } from '@littoral/contract/errors'
import type { Binding, DriverWorkload } from '@littoral/contract/node/desired-state'
import type { WorkloadReport } from '@littoral/contract/node/report'
import { runsOnArch } from './driver.ts'
import { type AssignedDriver, effectiveConfigs } from './driver-workload.ts'
import { isEdgeVersionAtLeast } from './edge-version.ts'

/** 0 created, 1 under way, 2 succeeded, 3 failed. */
export type Status = 0 | 1 | 2 | 3
/** 0 created, 8 assembled, 16 packaged, 24 being dispatched, 32 finished. A failed one keeps the stage it failed in. */
export type Stage = 0 | 8 | 16 | 24 | 32
/** The last four are kept on the gateway, which carries out nothing of them. */
export type ResourceType = 'driver' | 'driver_config' | 'device_config' | Binding['kind']

export interface LogLine {
  readonly resourceId: string
  /** 0: fine. */
  readonly code: string
  readonly stage: Stage
  readonly level: 'INFO' | 'ERROR'
  readonly message: string
  readonly resourceType: string
  readonly timestamp: number
}

export interface Snapshot {
  readonly id: string
  readonly resourceType: ResourceType
  readonly resourceId: string
  readonly resourceName: string
  /** 0 put on the gateway, 1 taken off it. */
  readonly operateType: 0 | 1
  readonly status: Status
  readonly stage: Stage
  readonly log: readonly LogLine[]
  /** The workload this resource is part of. A device_config is part of all of the job, the last four types of none. */
  readonly workloadKey?: string
  /** What is put on the gateway; on the driver's own snapshot only. */
  readonly workload?: DriverWorkload
  /** What the gateway keeps, as JSON text; on the last four types only. */
  readonly content?: string
  readonly createdAtMs: number
  readonly modifiedAtMs: number
  readonly completedAtMs?: number
}

export interface Deployment {
  readonly id: string
  readonly accountId: string
  readonly instanceId: string
  readonly type: 'deploy' | 'reset'
  readonly status: Status
  readonly gatewayIotId: string
  readonly taskId: string
  readonly snapshots: readonly Snapshot[]
  readonly createdAtMs: number
  readonly modifiedAtMs: number
  readonly dispatchedAtMs?: number
  readonly completedAtMs?: number
}

/** What the planner needs to know of the gateway's node. */
export interface GatewayNode {
  readonly isOnline: boolean
  readonly edgeVersion: string
  readonly arch: string
  readonly generation: number
  readonly acceptedGeneration: number
}

type DriverReport = Pick<WorkloadReport, 'version' | 'digest' | 'phase' | 'reason' | 'restarts' | 'retreat'>

export interface DeploymentView {
  readonly deployment: Deployment
  /** Absent until the gateway has connected once. */
  readonly node?: GatewayNode
  /** What the node last said, by workload key. */
  readonly reports: ReadonlyMap<string, DriverReport>
}

export interface DeploymentPlan {
  readonly deployment: Deployment
  readonly assign: readonly DriverWorkload[]
  /** Workload keys. */
  readonly unassign: readonly string[]
  /** At dispatch: all that the gateway shall keep of the instance from now on. */
  readonly bindings?: readonly Binding[]
}

/**
 * From the moment of dispatch; then a driver whose device the gateway does not have counts as refused. Its gateway goes on
 * waiting for the device, and starts the driver with it.
 */
export const deviceTimeoutMs = 60 * 1000
/** A driver that keeps ending is not deployed, though its node goes on starting it. */
export const maxStarts = 5

/** Throws the fault for which a deploy job must not begin: a missing configuration, or a gateway known to be too old. */
export function checkDeployable(drivers: readonly AssignedDriver[], edgeVersion: string | undefined): void {
  for (const assigned of drivers) {
    const { driver, version, devices } = assigned
    const params = { DriverName: driver.name }
    // Only drivers with devices are checked: so the vendor's console describes it.
    if (devices.length > 0 && version.checkRule?.driverConfig?.required === true && effectiveConfigs(assigned).length === 0) {
      throw new Fault('iot.edge.DriverConfigRequired', params)
    }
    if (version.checkRule?.deviceConfig?.required === true && devices.some(({ config }) => config === undefined)) {
      throw new Fault('iot.edge.DeviceConfigRequired', params)
    }
    if (edgeVersion !== undefined && !isEdgeVersionAtLeast(edgeVersion, version.edgeVersion)) {
      throw new Fault('iot.edge.EdgeVersionUnsupported', { ...params, Needed: version.edgeVersion, Actual: edgeVersion })
    }
  }
}

/** Something that a job puts on the gateway or takes off it. */
export type Resource = Pick<
  Snapshot,
  'resourceType' | 'resourceId' | 'resourceName' | 'operateType' | 'workloadKey' | 'workload' | 'content'
>

/** A snapshot as it is when its job is stored. */
export function newSnapshot(about: Resource & Pick<Snapshot, 'id'>, nowMs: number): Snapshot {
  const created: Snapshot = { ...about, status: 0, stage: 0, log: [], createdAtMs: nowMs, modifiedAtMs: nowMs }
  return { ...created, log: [line(created, 0, 'init success', nowMs)] }
}

/**
 * What to do now with an unfinished job, or undefined when there is nothing. A job has `timeoutMs` from the moment of dispatch;
 * before it waits for its gateway as long as it takes.
 */
export function planDeployment(view: DeploymentView, nowMs: number, timeoutMs: number): DeploymentPlan | undefined {
  const { deployment, node } = view
  if (deployment.status > 1) return undefined
  if (deployment.dispatchedAtMs === undefined) {
    const ready = deployment.status === 0 ? packed(deployment, nowMs) : deployment
    // At once, where the gateway is there: nothing more would be known at a later look.
    if (node?.isOnline === true) return dispatched(ready, node, nowMs)
    return ready === deployment ? undefined : { deployment: ready, assign: [], unassign: [] }
  }
  const passedMs = nowMs - deployment.dispatchedAtMs
  const age = { isLate: passedMs >= timeoutMs, isDeviceLate: passedMs >= deviceTimeoutMs }
  const snapshots = settled(
    deployment.snapshots.map((snapshot) => observed(snapshot, view, { nowMs, ...age })),
    nowMs,
  )
  const isUnchanged = snapshots.every((snapshot, place) => snapshot === deployment.snapshots[place])
  if (isUnchanged && snapshots.some(isOpen)) return undefined
  return { deployment: concluded({ ...deployment, snapshots }, nowMs), assign: [], unassign: [] }
}

/** Everything was frozen when the job was stored, so assembling and packaging cannot fail. */
function packed(deployment: Deployment, nowMs: number): Deployment {
  const snapshots = deployment.snapshots.map((snapshot) => {
    const log = [...snapshot.log, line(snapshot, 8, 'assembly success', nowMs), line(snapshot, 16, 'package success', nowMs)]
    return { ...snapshot, log, status: 1 as const, stage: 16 as const, modifiedAtMs: nowMs }
  })
  return { ...deployment, snapshots, status: 1, modifiedAtMs: nowMs }
}

function dispatched(deployment: Deployment, node: GatewayNode, nowMs: number): DeploymentPlan {
  const refusals = new Map<string, string>()
  for (const { workload } of deployment.snapshots) {
    const refusal = workload && refusalOf(workload, node)
    if (workload !== undefined && refusal !== undefined) refusals.set(workload.key, refusal)
  }
  const atDispatch = deployment.snapshots.map((snapshot) => {
    const told = { ...snapshot, stage: 24 as const, modifiedAtMs: nowMs }
    const refusal = snapshot.workloadKey === undefined ? undefined : refusals.get(snapshot.workloadKey)
    return refusal === undefined ? told : failed(told, refusal, nowMs)
  })
  const snapshots = settled(atDispatch, nowMs)
  const accepted = snapshots.filter(isOpen)
  return {
    deployment: concluded({ ...deployment, snapshots, dispatchedAtMs: nowMs, modifiedAtMs: nowMs }, nowMs),
    assign: accepted.flatMap(({ workload }) => (workload === undefined ? [] : [workload])),
    unassign: accepted.flatMap(({ operateType, resourceType, workloadKey }) =>
      operateType === 1 && resourceType === 'driver' && workloadKey !== undefined ? [workloadKey] : [],
    ),
    bindings: accepted.flatMap((snapshot) => toBinding(snapshot, deployment.instanceId)),
  }
}

function toBinding({ resourceType, resourceId, resourceName, content }: Snapshot, instanceId: string): Binding[] {
  if (content === undefined || !isKept(resourceType)) return []
  return [{ kind: resourceType, instanceId, id: resourceId, name: resourceName, content }]
}

function refusalOf(workload: DriverWorkload, node: GatewayNode): string | undefined {
  if (!isEdgeVersionAtLeast(node.edgeVersion, workload.edgeVersion)) {
    return `the gateway has edge version ${node.edgeVersion}, the driver needs ${workload.edgeVersion}`
  }
  if (workload.cpuArch !== undefined && !runsOnArch(workload.cpuArch, node.arch)) {
    return `the driver is built for ${workload.cpuArch}, the gateway is ${node.arch}`
  }
  return undefined
}

type Outcome = 'done' | { readonly failure: string } | { readonly waitingFor: string; readonly isForDevice?: boolean }

interface Age {
  readonly nowMs: number
  readonly isLate: boolean
  readonly isDeviceLate: boolean
}

/** What the node's own words say about a snapshot; device configurations are left to settled(). */
function observed(snapshot: Snapshot, view: DeploymentView, { nowMs, isLate, isDeviceLate }: Age): Snapshot {
  if (!isOpen(snapshot)) return snapshot
  const { workloadKey, resourceType } = snapshot
  if (workloadKey === undefined && !isKept(resourceType)) return snapshot
  const outcome = workloadKey === undefined ? keptOutcome(view) : outcomeOf(workloadKey, view)
  if (outcome === 'done') return succeeded(snapshot, nowMs)
  if ('failure' in outcome) return failed(snapshot, outcome.failure, nowMs)
  if (outcome.isForDevice === true && isDeviceLate) return failed(snapshot, outcome.waitingFor, nowMs)
  if (isLate) return failed(snapshot, `timed out: ${outcome.waitingFor}`, nowMs)
  return outcome.isForDevice === true ? noted(snapshot, outcome.waitingFor, nowMs) : snapshot
}

/** Says once what is waited for. */
function noted(snapshot: Snapshot, message: string, nowMs: number): Snapshot {
  if (snapshot.log.at(-1)?.message === message) return snapshot
  return { ...snapshot, log: [...snapshot.log, line(snapshot, snapshot.stage, message, nowMs)], modifiedAtMs: nowMs }
}

/** The gateway keeps what it has accepted: it is on its disk by then. */
function keptOutcome({ node }: DeploymentView): Outcome {
  return hasAccepted(node) ? 'done' : { waitingFor: 'the gateway did not say that it has what it was told' }
}

function hasAccepted(node: GatewayNode | undefined): boolean {
  return node !== undefined && node.acceptedGeneration >= node.generation
}

function outcomeOf(key: string, view: DeploymentView): Outcome {
  const workload = view.deployment.snapshots.find((snapshot) => snapshot.workload?.key === key)?.workload
  // The configuration of a driver that stays may be taken off: then the driver itself has to be there.
  return workload === undefined ? removalOutcome(key, view) : deployOutcome(workload, view)
}

/** Ends what has no word of its own: device configurations go with their drivers. */
function settled(snapshots: readonly Snapshot[], nowMs: number): Snapshot[] {
  const drivers = snapshots.filter(({ resourceType }) => resourceType === 'driver')
  const refused = drivers.find(({ status }) => status === 3)
  return snapshots.map((snapshot) => {
    if (!isOpen(snapshot) || snapshot.resourceType !== 'device_config') return snapshot
    if (refused !== undefined) return failed(snapshot, `the driver ${refused.resourceName} was not deployed`, nowMs)
    return drivers.some(isOpen) ? snapshot : succeeded(snapshot, nowMs)
  })
}

/** Only a report for exactly what was assigned counts; one for another version says nothing about this job, unless it went back. */
function deployOutcome(workload: DriverWorkload, { reports, deployment }: DeploymentView): Outcome {
  const report = reports.get(workload.key)
  const gone = report?.retreat
  // A retreat from an earlier try of the same has nothing to do with this job.
  if (gone?.digest === workload.digest && gone.trialId === deployment.id) return { failure: `${gone.reason.code}: ${gone.reason.message}` }
  if (report === undefined || report.version !== workload.version || report.digest !== workload.digest) {
    return { waitingFor: 'the gateway did not report on the driver' }
  }
  const reason = report.reason === undefined ? report.phase : `${report.reason.code}: ${report.reason.message}`
  if (report.phase === 'ready') return 'done'
  if (report.phase === 'failed') return { failure: reason }
  if (report.phase === 'backoff' && report.restarts >= maxStarts) return { failure: `the driver keeps ending: ${reason}` }
  return { waitingFor: reason, isForDevice: report.reason?.code === 'DeviceMissing' }
}

function removalOutcome(key: string, { node, reports }: DeploymentView): Outcome {
  const report = reports.get(key)
  if (hasAccepted(node) && (report === undefined || report.phase === 'gone')) return 'done'
  return { waitingFor: 'the gateway did not report that the driver is gone' }
}

/** The job follows its snapshots once all of them have ended. */
function concluded(deployment: Deployment, nowMs: number): Deployment {
  const changed = { ...deployment, modifiedAtMs: nowMs }
  if (deployment.snapshots.some(isOpen)) return changed
  const status = deployment.snapshots.some((snapshot) => snapshot.status === 3) ? 3 : 2
  return { ...changed, status, completedAtMs: nowMs }
}

/** The stage of a job's task: that of the snapshot furthest behind. */
export function taskStage({ status, snapshots }: Deployment): Stage {
  const behind = snapshots.map(({ stage }) => stage).sort((a, b) => a - b)[0]
  return behind ?? (status > 1 ? 32 : 0)
}

function isOpen({ status }: Snapshot): boolean {
  return status < 2
}

function succeeded(snapshot: Snapshot, nowMs: number): Snapshot {
  const log = [...snapshot.log, line(snapshot, 32, successMessage(snapshot), nowMs)]
  return { ...snapshot, log, status: 2, stage: 32, modifiedAtMs: nowMs, completedAtMs: nowMs }
}

const kept: readonly string[] = ['application', 'message_route', 'scene_rule', 'role'] satisfies Binding['kind'][]

function isKept(type: ResourceType): type is Binding['kind'] {
  return kept.includes(type)
}

function successMessage({ resourceType, operateType }: Snapshot): string {
  if (operateType === 0 && isKept(resourceType)) return 'stored on the gateway, which carries out nothing of it'
  return operateType === 1 ? 'removal success' : 'download success'
}

/** The job as CloseEdgeInstanceDeployment leaves it: whatever had not ended has failed (contract: iot-edge §12.13). */
export function closed(deployment: Deployment, nowMs: number): Deployment {
  const close = (snapshot: Snapshot) => (isOpen(snapshot) ? failed(snapshot, 'closed by CloseEdgeInstanceDeployment', nowMs) : snapshot)
  return { ...deployment, snapshots: deployment.snapshots.map(close), status: 3, modifiedAtMs: nowMs, completedAtMs: nowMs }
}

function failed(snapshot: Snapshot, message: string, nowMs: number): Snapshot {
  const log = [...snapshot.log, { ...line(snapshot, snapshot.stage, message, nowMs), code: '1', level: 'ERROR' as const }]
  return { ...snapshot, log, status: 3, modifiedAtMs: nowMs, completedAtMs: nowMs }
}

function line({ resourceId, resourceType }: Snapshot, stage: Stage, message: string, timestamp: number): LogLine {
  return { resourceId, code: '0', stage, level: 'INFO', message, resourceType: resourceType.toUpperCase(), timestamp }
}
