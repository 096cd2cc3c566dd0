// From the domain's shapes to those of the wire. Unset values are left out; times of jobs and instances are texts in
// UTC+8 beside milliseconds, drivers and versions carry milliseconds only (contract: iot-edge §2).
import type { Output } from '@littoral/contract/operation'
import type { BatchGetEdgeDriver } from '@littoral/contract/iot-edge/drivers'
import type { GetEdgeInstanceDeployment } from '@littoral/contract/iot-edge/deployments'
import type { QueryDeviceDetail } from '@littoral/contract/iot-edge/device-registry'
import type { GetEdgeDriverVersion } from '@littoral/contract/iot-edge/driver-versions'
import type { QueryEdgeInstance } from '@littoral/contract/iot-edge/instances'
import { type Deployment, type Snapshot, taskStage } from '../../domain/deployment.ts'
import type { Product } from '../../domain/device.ts'
import type { Driver } from '../../domain/driver.ts'
import { type DriverVersion, uploadLifeMs } from '../../domain/driver-version.ts'
import type { EdgeInstance } from '../../domain/edge-instance.ts'
import { toLocalTime } from '../../domain/local-time.ts'
import { present } from '../../domain/present.ts'
import { sortedJson } from '../../domain/text.ts'
import type { RegisteredDevice } from '../../store/iot-edge/devices.ts'
import type { NodeRecord } from '../../store/nodes.ts'
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
    GmtCreate: toLocalTime(instance.createdAtMs),
    GmtCreateTimestamp: instance.createdAtMs,
    GmtModified: toLocalTime(instance.modifiedAtMs),
    GmtModifiedTimestamp: instance.modifiedAtMs,
    ...present({
      Tags: instance.tags,
      LatestDeploymentStatus: instance.latestDeployment?.status,
      LatestDeploymentType: instance.latestDeployment?.type,
    }),
  }
}

type DeploymentView = Output<typeof GetEdgeInstanceDeployment>['Data']

export function toDeploymentView(deployment: Deployment): DeploymentView {
  const times = toTimes(deployment)
  return {
    DeploymentId: deployment.id,
    Type: deployment.type,
    Status: deployment.status,
    Description: `${deployment.type}_${deployment.createdAtMs}`,
    ...times,
    TaskList: [
      {
        TaskId: deployment.taskId,
        GatewayId: deployment.gatewayIotId,
        Status: deployment.status,
        Stage: taskStage(deployment),
        ...times,
        ResourceSnapshotList: deployment.snapshots.map(toSnapshotView),
      },
    ],
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
    ...toTimes(snapshot),
  }
}

function toTimes({ createdAtMs, modifiedAtMs, completedAtMs }: Pick<Deployment, 'createdAtMs' | 'modifiedAtMs' | 'completedAtMs'>) {
  return {
    GmtCreate: toLocalTime(createdAtMs),
    GmtCreateTimestamp: createdAtMs,
    GmtModified: toLocalTime(modifiedAtMs),
    GmtModifiedTimestamp: modifiedAtMs,
    ...(completedAtMs === undefined ? {} : { GmtCompleted: toLocalTime(completedAtMs), GmtCompletedTimestamp: completedAtMs }),
  }
}

export function toProductView({ key, name, nodeType, details }: Product) {
  const { dataFormat, aliyunCommodityCode, description, protocolType } = details
  return {
    ProductKey: key,
    ProductName: name,
    NodeType: nodeType,
    DataFormat: dataFormat,
    AuthType: 'secret',
    Id2: false,
    ...present({ AliyunCommodityCode: aliyunCommodityCode, Description: description, ProtocolType: protocolType }),
  }
}

/** With the node that is this gateway, once it has connected. */
export function toDeviceView(device: RegisteredDevice, node: NodeRecord | undefined): Output<typeof QueryDeviceDetail>['Data'] {
  const utc = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString())
  const local = (ms: number | undefined) => (ms === undefined ? undefined : toLocalTime(ms))
  return {
    IotId: device.iotId,
    ProductKey: device.productKey,
    ProductName: device.productName,
    DeviceName: device.name,
    DeviceSecret: device.secret,
    NodeType: device.nodeType,
    Status: node === undefined ? 'UNACTIVE' : node.isOnline ? 'ONLINE' : 'OFFLINE',
    Owner: true,
    GmtCreate: toLocalTime(device.createdAtMs),
    UtcCreate: new Date(device.createdAtMs).toISOString(),
    ...present({
      Nickname: device.nickname,
      Region: node?.region,
      IpAddress: node?.facts.address,
      FirmwareVersion: node?.facts.edgeVersion,
      GmtActive: local(node?.createdAtMs),
      UtcActive: utc(node?.createdAtMs),
      GmtOnline: local(node?.lastSeenAtMs),
      UtcOnline: utc(node?.lastSeenAtMs),
    }),
  }
}
