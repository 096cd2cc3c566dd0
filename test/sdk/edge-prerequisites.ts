// What has to be in an edge instance before the example of an operation on it can be carried out: a gateway that is
// nowhere, a released driver, a device and a channel of it, a message route. Used by prerequisites.ts.
import { registerGateway, type Gateway } from '../../tools/journey/driver.ts'
import type { Call } from '../../tools/official-clients.ts'

type Input = Record<string, unknown>

export interface EdgeSource {
  /** A number that was not used yet. */
  next(): number
  releasedVersion(): Promise<{ DriverId: string; DriverVersion: string }>
}

/** Operations that name something inside an instance; all of them can be filled in by the names of their parameters. */
export function isInsideInstance(action: string): boolean {
  if (action === 'BindDriverToEdgeInstance' || action === 'BindGatewayToEdgeInstance') return false
  if (['GetEdgeInstanceDeployment', 'ReplaceEdgeInstanceGateway', 'CreateEdgeInstance', 'QueryEdgeInstance'].includes(action)) return false
  return action.includes('EdgeInstance')
}

/** An instance that has to be empty. */
const wantsEmpty = new Set(['UpdateEdgeInstance', 'DeleteEdgeInstance'])

export class EdgePrerequisites {
  readonly #iot: Call
  readonly #source: EdgeSource

  constructor(iot: Call, source: EdgeSource) {
    this.#iot = iot
    this.#source = source
  }

  async fill(action: string, input: Input): Promise<Input> {
    if (wantsEmpty.has(action)) {
      return { ...input, InstanceId: await this.instance(), ...('Name' in input ? { Name: `renamed_${this.#source.next()}` } : {}) }
    }
    const bound = await this.boundDriver()
    if (/^(Query|BatchGet|Get)/.test(action)) return { ...input, ...(await this.#furnished(input, bound)) }
    const filled: Input = { ...input, InstanceId: bound.InstanceId }
    if ('DriverId' in input) filled['DriverId'] = bound.DriverId
    if ('DriverIds' in input) filled['DriverIds'] = [bound.DriverId]
    await this.#fillDevices(action, input, filled, bound)
    if ('ChannelId' in input) filled['ChannelId'] = await this.#channel(bound)
    if ('ChannelIds' in input) filled['ChannelIds'] = [await this.#channel(bound)]
    if ('RouteId' in input) filled['RouteId'] = await this.#route(bound.InstanceId)
    return filled
  }

  async #fillDevices(action: string, input: Input, filled: Input, bound: { InstanceId: string; DriverId: string }): Promise<void> {
    if (!('IotIds' in input) && !('DeviceConfigs' in input)) return
    const iotId = await this.#device()
    if (action !== 'BatchBindDeviceToEdgeInstanceWithDriver') {
      await this.#iot('BatchBindDeviceToEdgeInstanceWithDriver', { ...bound, IotIds: [iotId] })
    }
    if ('IotIds' in input) filled['IotIds'] = [iotId]
    else filled['DeviceConfigs'] = [{ ...(input['DeviceConfigs'] as Input[])[0], IotId: iotId }]
  }

  /** Reading from an instance that holds one of everything, so that no list is empty. */
  async #furnished(input: Input, bound: { InstanceId: string; DriverId: string }): Promise<Input> {
    const { InstanceId, DriverId } = bound
    const [iotId, channelId, routeId] = [await this.#device(), await this.#channel(bound), await this.#route(InstanceId)]
    await this.#iot('BatchBindDeviceToEdgeInstanceWithDriver', { ...bound, IotIds: [iotId] })
    await this.#iot('BatchSetEdgeInstanceDeviceConfig', { InstanceId, DeviceConfigs: [{ IotId: iotId, Content: '{"a":"<&>"}' }] })
    await this.#iot('BatchSetEdgeInstanceDeviceChannel', { ...bound, ChannelId: channelId, IotIds: [iotId] })
    await this.#iot('SetEdgeInstanceDriverConfigs', { ...bound, Configs: [{ Format: 'JSON', Content: '{"b":"<&>"}', Key: 'one' }] })
    await this.#iot('BindSceneRuleToEdgeInstance', { InstanceId, RuleId: 'rule_1' })
    await this.endedDeployment(InstanceId)
    const all = { InstanceId, DriverId, DriverIds: [DriverId], IotIds: [iotId], ChannelIds: [channelId], RouteId: routeId }
    return Object.fromEntries(Object.entries(all).filter(([name]) => name in input))
  }

  async instance(): Promise<string> {
    const { InstanceId } = await this.#iot('CreateEdgeInstance', { Name: `example_${this.#source.next()}`, Spec: 20 })
    return String(InstanceId)
  }

  gateway(): Promise<Gateway> {
    const suffix = this.#source.next()
    return registerGateway(this.#iot, { product: `example_${suffix}`, device: `gateway-${suffix}` })
  }

  /** A product of devices, without any. */
  async product(): Promise<string> {
    const { ProductKey } = await this.#iot('CreateProduct', { ProductName: `example_${this.#source.next()}`, NodeType: 0 })
    return String(ProductKey)
  }

  /** An instance with a gateway that is nowhere and a driver that is released. */
  async boundDriver(): Promise<{ InstanceId: string; DriverId: string }> {
    const InstanceId = await this.instance()
    const gateway = await this.gateway()
    await this.#iot('BindGatewayToEdgeInstance', { InstanceId, ProductKey: gateway.productKey, DeviceName: gateway.deviceName })
    const version = await this.#source.releasedVersion()
    await this.#iot('BindDriverToEdgeInstance', { InstanceId, ...version })
    return { InstanceId, DriverId: version.DriverId }
  }

  /** Closed at once, so that it does not change while it is looked at. */
  async endedDeployment(InstanceId: string): Promise<unknown> {
    const { DeploymentId } = await this.#iot('CreateEdgeInstanceDeployment', { InstanceId, Type: 'deploy' })
    await this.#iot('CloseEdgeInstanceDeployment', { InstanceId })
    return DeploymentId
  }

  async replacement(): Promise<Input> {
    const InstanceId = await this.instance()
    const [before, after] = [await this.gateway(), await this.gateway()]
    await this.#iot('BindGatewayToEdgeInstance', { InstanceId, IotId: before.iotId })
    return { InstanceId, CurrentGatewayId: before.iotId, NewGatewayId: after.iotId }
  }

  async #device(): Promise<string> {
    const ProductKey = await this.product()
    const { Data } = await this.#iot('RegisterDevice', { ProductKey, DeviceName: `sensor-${this.#source.next()}` })
    return (Data as { IotId: string }).IotId
  }

  async #channel(bound: { InstanceId: string; DriverId: string }): Promise<string> {
    const Configs = [{ Format: 'JSON', Content: '{"port":1}' }]
    const { Data } = await this.#iot('CreateEdgeInstanceChannel', { ...bound, ChannelName: `example_${this.#source.next()}`, Configs })
    return String(Data)
  }

  async #route(InstanceId: string): Promise<unknown> {
    const ends = { SourceType: 'device', SourceData: '#', TargetType: 'IotHub', TargetIotHubQos: 0 }
    return (await this.#iot('CreateEdgeInstanceMessageRouting', { InstanceId, ...ends }))['RouteId']
  }
}
