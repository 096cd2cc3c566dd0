// What the edge instance of the life story holds beside its drivers: configurations of every format, devices on a channel, and
// what a gateway keeps without carrying it out.
import type { EdgeLife } from './life.ts'

/** Uploads a file to a signed address; the plain address to refer to it by. */
async function uploaded({ call, instanceId }: EdgeLife, driverId: string, text: string): Promise<string> {
  const { Data } = await call('CreateEdgeOssPreSignedAddress', {
    Type: 'INSTANCE_DRIVER_VERSION_CONFIG',
    ResourceId: driverId,
    ResourceVersion: '1.0.0',
    InstanceId: instanceId,
    FileName: 'points.json',
  })
  const { OssAddress, OssPreSignedAddress } = Data as { OssAddress: string; OssPreSignedAddress: string }
  const answer = await fetch(OssPreSignedAddress, { method: 'PUT', body: text, signal: AbortSignal.timeout(10_000) })
  if (!answer.ok) throw new Error(`the upload was refused with ${answer.status}`)
  return OssAddress
}

/** Sets a configuration of each format. */
export async function configure(life: EdgeLife, driverId: string, about: { json: object; file: string }): Promise<void> {
  const Configs = [
    { Format: 'JSON', Content: JSON.stringify(about.json), Key: 'settings' },
    { Format: 'KV', Content: '[{"key":"unit","value":"kW","note":"of power"}]', Key: 'pairs' },
    { Format: 'FILE', Content: await uploaded(life, driverId, about.file), Key: 'points' },
  ]
  await life.call('SetEdgeInstanceDriverConfigs', { InstanceId: life.instanceId, DriverId: driverId, Configs })
}

export interface Furniture {
  readonly iotIds: readonly string[]
  readonly channelId: string
  readonly routeId: unknown
}

/** Two devices, the first with a configuration and on a channel; a route, a rule, an application and a role. */
export async function furnish(life: EdgeLife, driverId: string, product: string): Promise<Furniture> {
  const { call, instanceId: InstanceId } = life
  const { ProductKey } = await call('CreateProduct', { ProductName: product, NodeType: 0 })
  const iotIds: string[] = []
  for (const DeviceName of ['sensor_1', 'sensor_2']) {
    const { Data } = await call('RegisterDevice', { ProductKey, DeviceName })
    iotIds.push((Data as { IotId: string }).IotId)
  }
  const [first = ''] = iotIds
  const owner = { InstanceId, DriverId: driverId }
  await call('BatchBindDeviceToEdgeInstanceWithDriver', { ...owner, IotIds: iotIds })
  await call('BatchSetEdgeInstanceDeviceConfig', { InstanceId, DeviceConfigs: [{ IotId: first, Content: '{"slaveId":7}' }] })
  const Configs = [{ Format: 'JSON', Content: '{"port":502}' }]
  const { Data } = await call('CreateEdgeInstanceChannel', { ...owner, ChannelName: 'line_1', Configs })
  const channelId = String(Data)
  await call('BatchSetEdgeInstanceDeviceChannel', { ...owner, ChannelId: channelId, IotIds: [first] })
  const ends = { SourceType: 'device', SourceData: '#', TargetType: 'IotHub', TargetIotHubQos: 1 }
  const { RouteId } = await call('CreateEdgeInstanceMessageRouting', { InstanceId, Name: 'to the cloud', ...ends })
  await call('BindSceneRuleToEdgeInstance', { InstanceId, RuleId: 'rule_1' })
  await call('BindApplicationToEdgeInstance', { InstanceId, ApplicationId: 'app_1', ApplicationVersion: '3.7' })
  await call('BindRoleToEdgeInstance', { InstanceId, RoleArn: 'acs:ram::1:role/edge', RoleName: 'Edge' })
  return { iotIds, channelId, routeId: RouteId }
}
