// What drivers are told of their devices: configuration and channel. Batches are carried out as a whole or not at all.
import * as operations from '@littoral/contract/iot-edge/device-configs'
import type { Handlers } from '@littoral/contract/operation'
import { invalidParam } from '../../domain/invalid-param.ts'
import * as channels from '../../store/iot-edge/channels.ts'
import * as instances from '../../store/iot-edge/edge-instances.ts'
import * as instanceDevices from '../../store/iot-edge/instance-devices.ts'
import * as instanceDrivers from '../../store/iot-edge/instance-drivers.ts'
import type { Context } from '../context.ts'
import { deviceConfig, noteUse } from './stored-files.ts'

export const handlers = {
  async BatchSetEdgeInstanceDeviceConfig({ InstanceId, DeviceConfigs }, ctx) {
    const iotIds = DeviceConfigs.map(({ IotId }) => IotId)
    if (new Set(iotIds).size < iotIds.length) throw invalidParam('DeviceConfigs', 'names a device twice.')
    await ctx.store.write(async (tx) => {
      const { id } = await instances.get(tx, ctx.principal.accountId, InstanceId)
      const configs: { iotId: string; config: NonNullable<instanceDevices.InstanceDevice['config']> }[] = []
      for (const [place, { IotId, Content }] of DeviceConfigs.entries()) {
        configs.push({ iotId: IotId, config: await deviceConfig(tx, ctx, `DeviceConfigs.${place + 1}.Content`, Content) })
      }
      await instanceDevices.getAll(tx, iotIds, { instanceId: id })
      for (const { iotId, config } of configs) instanceDevices.updateConfig(tx, iotId, config)
      noteUse(tx, ctx, { names: configs.flatMap(({ config: { address } }) => address ?? []) })
    })
    return {}
  },

  async BatchGetEdgeInstanceDeviceConfig({ InstanceId, IotIds }, { store, principal }) {
    const found = await store.read(async (tx) => {
      const { id } = await instances.get(tx, principal.accountId, InstanceId)
      return instanceDevices.listByIds(tx, id, IotIds)
    })
    const DeviceConfigList = found.map(({ iotId, config }) => {
      if (config === undefined) return { IotId: iotId }
      const { text, address } = config
      const Config = address === undefined ? { Format: 'JSON' as const, Content: text } : { Format: 'FILE' as const, Content: address }
      return { IotId: iotId, Config }
    })
    return { DeviceConfigList }
  },

  async BatchClearEdgeInstanceDeviceConfig({ InstanceId, IotIds }, { store, principal }) {
    await store.write(async (tx) => {
      const { id } = await instances.get(tx, principal.accountId, InstanceId)
      instanceDevices.removeConfigs(tx, id, IotIds)
    })
    return {}
  },

  async BatchSetEdgeInstanceDeviceChannel({ InstanceId, DriverId, ChannelId, IotIds }, { store, principal }) {
    await store.write(async (tx) => {
      const { id } = await instances.get(tx, principal.accountId, InstanceId)
      const owner = { instanceId: id, driverId: (await instanceDrivers.get(tx, id, DriverId)).driverId }
      const channel = await channels.get(tx, owner, ChannelId)
      await instanceDevices.getAll(tx, IotIds, owner)
      instanceDevices.updateChannel(tx, IotIds, channel.id)
    })
    return {}
  },

  async BatchGetEdgeInstanceDeviceChannel({ InstanceId, DriverId, IotIds }, { store, principal }) {
    return store.read(async (tx) => {
      const { id } = await instances.get(tx, principal.accountId, InstanceId)
      const owner = { instanceId: id, driverId: (await instanceDrivers.get(tx, id, DriverId)).driverId }
      const onChannel = (await instanceDevices.listByIds(tx, id, IotIds)).flatMap(({ iotId, driverId, channelId }) =>
        driverId === owner.driverId && channelId !== undefined ? [{ iotId, channelId }] : [],
      )
      const ids = onChannel.map(({ channelId }) => channelId)
      const names = new Map((await channels.listByIds(tx, owner, ids)).map((channel) => [channel.id, channel.name]))
      return {
        DeviceChannelList: onChannel.map(({ iotId, channelId }) => ({
          IotId: iotId,
          ChannelId: channelId,
          ChannelName: names.get(channelId) ?? '',
        })),
      }
    })
  },
} satisfies Handlers<typeof operations, Context>
