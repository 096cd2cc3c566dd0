// From the domain's shapes to those of the wire. Unset values are left out; times of jobs and instances are texts in
// UTC+8 beside milliseconds, drivers and versions carry milliseconds only (contract: iot-edge §2).
import type { Output } from '@littoral/contract/operation'
import type { BatchGetEdgeDriver } from '@littoral/contract/iot-edge/drivers'
import type { GetEdgeInstanceDeployment } from '@littoral/contract/iot-edge/deployments'
import type { BatchGetEdgeInstanceChannel } from '@littoral/contract/iot-edge/channels'
import type { GetEdgeDriverVersion } from '@littoral/contract/iot-edge/driver-versions'
import type { QueryEdgeInstanceDriver } from '@littoral/contract/iot-edge/instance-drivers'
import type { QueryEdgeInstance } from '@littoral/contract/iot-edge/instances'
import type { GetEdgeInstanceMessageRouting } from '@littoral/contract/iot-edge/message-routes'
import type { Channel } from '../../domain/channel.ts'
import { type Deployment, type Snapshot, taskStage } from '../../domain/deployment.ts'
import type { StoredBlock } from '../../domain/driver-config.ts'
import type { Driver } from '../../domain/driver.ts'
import { type DriverVersion, uploadLifeMs } from '../../domain/driver-version.ts'
import type { EdgeInstance } from '../../domain/edge-instance.ts'
import { toLocalTime } from '../../domain/local-time.ts'
import type { MessageRoute } from '../../domain/message-route.ts'
import { present } from '../../domain/present.ts'
import { sortedJson } from '../../domain/text.ts'
import type { InstanceDriver } from '../../store/iot-edge/instance-drivers.ts'
import type { Context } from '../context.ts'

export function toDriverView(driver: Driver): Output<typeof BatchGetEdgeDriver>['DriverList'][number] {
  return {
    DriverId: driver.id,
    DriverName: driver.name,
    DriverProtocol: driver.protocol,
    Runtime: driver.runtime,
    IsBuiltIn: driver.isBuiltIn,
    Type: driver.type,
    GmtCreateTimestamp: driver.createdAtMs,
    GmtModifiedTimestamp: driver.modifiedAtMs,
    ...present({ CpuArch: driver.cpuArch }),
  }
}

export function toDriverVersionView(version: DriverVersion, ctx: Context): Output<typeof GetEdgeDriverVersion>['Data'] {
  const { source, configs } = version
  const blocks = configs.map(({ content, format }) => ({ content, format }))
  return {
    DriverId: version.driverId,
    DriverVersion: version.version,
    EdgeVersion: version.edgeVersion,
    VersionState: version.isReleased ? '1' : '0',
    GmtCreateTimestamp: version.createdAtMs,
    GmtModifiedTimestamp: version.modifiedAtMs,
    ...present({
      Argument: version.argument,
      Description: version.description,
      SourceConfig: source && toSourceText(source, ctx),
      DriverConfig: blocks.length === 0 ? undefined : JSON.stringify(blocks),
      ConfigCheckRule: version.checkRule && sortedJson(version.checkRule),
      ContainerConfig: version.container && sortedJson(version.container),
    }),
  }
}

function toSourceText({ address, key }: NonNullable<DriverVersion['source']>, ctx: Context): string {
  const temporaryOssAddress = ctx.objects.presign(ctx.origin, 'GET', key, ctx.now() + uploadLifeMs)
  return JSON.stringify({ ossAddress: address, temporaryOssAddress })
}

export function toInstanceView(instance: EdgeInstance): Output<typeof QueryEdgeInstance>['Data']['InstanceList'][number] {
  return {
    InstanceId: instance.id,
    Name: instance.name,
    Spec: instance.spec,
    // 1 would be an instance that another account shares; sharing is not served.
    Type: 0,
    BizEnable: instance.isEnabled,
    ...toTimes(instance),
    ...present({
      Tags: instance.tags,
      RoleArn: instance.role?.arn,
      RoleName: instance.role?.name,
      RoleAttachTime: instance.role && toLocalTime(instance.role.attachedAtMs),
      RoleAttachTimestamp: instance.role?.attachedAtMs,
      LatestDeploymentStatus: instance.latestDeployment?.status,
      LatestDeploymentType: instance.latestDeployment?.type,
    }),
  }
}

type DeploymentView = Output<typeof GetEdgeInstanceDeployment>['Data']

export function toDeploymentView(deployment: Deployment): DeploymentView {
  return {
    ...toDeploymentSummary(deployment),
    TaskList: [
      {
        TaskId: deployment.taskId,
        GatewayId: deployment.gatewayIotId,
        Status: deployment.status,
        Stage: taskStage(deployment),
        ...toJobTimes(deployment),
        ResourceSnapshotList: deployment.snapshots.map(toSnapshotView),
      },
    ],
  }
}

export function toDeploymentSummary(deployment: Deployment): Omit<DeploymentView, 'TaskList'> {
  return {
    DeploymentId: deployment.id,
    Type: deployment.type,
    Status: deployment.status,
    Description: `${deployment.type}_${deployment.createdAtMs}`,
    ...toJobTimes(deployment),
  }
}

function toSnapshotView(snapshot: Snapshot): DeploymentView['TaskList'][number]['ResourceSnapshotList'][number] {
  return {
    SnapshotId: snapshot.id,
    ResourceType: snapshot.resourceType,
    ResourceId: snapshot.resourceId,
    ResourceName: snapshot.resourceName,
    OperateType: snapshot.operateType,
    Status: snapshot.status,
    Stage: snapshot.stage,
    Log: JSON.stringify(snapshot.log),
    ...toJobTimes(snapshot),
  }
}

function toJobTimes(job: Pick<Deployment, 'createdAtMs' | 'modifiedAtMs' | 'completedAtMs'>) {
  const { completedAtMs } = job
  const completed = completedAtMs === undefined ? {} : { GmtCompleted: toLocalTime(completedAtMs), GmtCompletedTimestamp: completedAtMs }
  return { ...toTimes(job), ...completed }
}

export function toTimes({ createdAtMs, modifiedAtMs }: { createdAtMs: number; modifiedAtMs: number }) {
  return {
    GmtCreate: toLocalTime(createdAtMs),
    GmtCreateTimestamp: createdAtMs,
    GmtModified: toLocalTime(modifiedAtMs),
    GmtModifiedTimestamp: modifiedAtMs,
  }
}

export function toInstanceDriverView(assigned: InstanceDriver): Output<typeof QueryEdgeInstanceDriver>['Data']['DriverList'][number] {
  return {
    DriverId: assigned.driverId,
    DriverVersion: assigned.version,
    GmtCreate: toLocalTime(assigned.createdAtMs),
    GmtModified: toLocalTime(assigned.modifiedAtMs),
    ...present({ OrderId: assigned.orderId }),
  }
}

export function toConfigView({ id, format, content, key }: StoredBlock) {
  return { ConfigId: id, Format: format, Content: content, ...present({ Key: key }) }
}

export function toChannelView({ id, name, configs }: Channel): Output<typeof BatchGetEdgeInstanceChannel>['Data']['Channel'][number] {
  return { ChannelId: id, ChannelName: name, ConfigList: { Config: configs.map(toConfigView) } }
}

/** Source and target data are there even when empty: so the vendor's samples show them (contract: iot-edge §2). */
export function toRouteView(route: MessageRoute): Output<typeof GetEdgeInstanceMessageRouting>['Data'] {
  return {
    SourceType: route.sourceType,
    SourceData: route.sourceData,
    TopicFilter: route.topicFilter,
    TargetType: route.targetType,
    TargetData: route.targetData,
    RouteContext: route.qos === undefined ? {} : { Qos: route.qos === 0 ? '0' : '1' },
    ...toTimes(route),
    ...present({ Name: route.name }),
  }
}
