// Channels of assigned drivers: create, change, read, delete.
import * as operations from '@littoral/contract/iot-edge/channels'
import type { Handlers } from '@littoral/contract/operation'
import { type Channel, parseChannelName } from '../../domain/channel.ts'
import { newPage } from '../../domain/edge-page.ts'
import { present } from '../../domain/present.ts'
import * as channels from '../../store/iot-edge/channels.ts'
import * as instances from '../../store/iot-edge/edge-instances.ts'
import * as instanceDrivers from '../../store/iot-edge/instance-drivers.ts'
import type { ReadTx } from '../../store/store.ts'
import type { Context } from '../context.ts'
import { noteUse, parseConfigs, storedBlocks } from './stored-files.ts'
import { toChannelView, toTimes } from './views.ts'

export const handlers = {
  async CreateEdgeInstanceChannel(input, ctx) {
    const { store, principal, ids, now, settings } = ctx
    const name = parseChannelName(input.ChannelName)
    const blocks = parseConfigs(input.Configs)
    const id = ids.hex(32).toUpperCase()
    await store.write(async (tx) => {
      const owner = await ownerOf(tx, principal.accountId, input)
      const configs = await storedBlocks(tx, ctx, blocks)
      const times = { createdAtMs: now(), modifiedAtMs: now() }
      channels.insert(tx, { id, ...owner, accountId: principal.accountId, name, configs, ...times }, settings.limits.channelsPerInstance)
      noteUse(tx, ctx, { blocks: configs })
    })
    return { Data: id }
  },

  async UpdateEdgeInstanceChannel(input, ctx) {
    const name = parseChannelName(input.ChannelName)
    const blocks = parseConfigs(input.Configs)
    await ctx.store.write(async (tx) => {
      const owner = await ownerOf(tx, ctx.principal.accountId, input)
      const before = await channels.get(tx, owner, input.ChannelId)
      const changed: Channel = { ...before, name, configs: await storedBlocks(tx, ctx, blocks), modifiedAtMs: ctx.now() }
      channels.update(tx, changed)
      noteUse(tx, ctx, { blocks: changed.configs })
    })
    return {}
  },

  async BatchGetEdgeInstanceChannel(input, { store, principal }) {
    const found = await store.read(async (tx) => {
      return channels.listByIds(tx, await ownerOf(tx, principal.accountId, input), input.ChannelIds)
    })
    return { Data: { Channel: found.map(toChannelView) } }
  },

  async QueryEdgeInstanceChannel(input, { store, principal }) {
    const at = newPage(input.CurrentPage, input.PageSize)
    const found = await store.read(async (tx) => {
      const owner = await ownerOf(tx, principal.accountId, input)
      return channels.page(tx, { ...owner, ...present({ name: input.ChannelName }) }, at)
    })
    const ChannelList = { Channel: found.channels.map((channel) => ({ ...toChannelView(channel), ...toTimes(channel) })) }
    return { Data: { ChannelList, CurrentPage: at.currentPage, PageSize: at.pageSize, Total: found.total } }
  },

  async BatchDeleteEdgeInstanceChannel(input, { store, principal }) {
    await store.write(async (tx) => {
      channels.remove(tx, await ownerOf(tx, principal.accountId, input), input.ChannelIds)
    })
    return {}
  },
} satisfies Handlers<typeof operations, Context>

/** Throws iot.edge.InstanceNotExist, iot.edge.InstanceDriverNotExist. */
async function ownerOf(
  tx: ReadTx,
  accountId: string,
  { InstanceId, DriverId }: { InstanceId: string; DriverId: string },
): Promise<channels.ChannelOwner> {
  const { id } = await instances.get(tx, accountId, InstanceId)
  const { driverId } = await instanceDrivers.get(tx, id, DriverId)
  return { instanceId: id, driverId }
}
