// Handlers of the operations on nodes.
import type { operations } from '@littoral/contract/littoral/index'
import { Fault } from '@littoral/contract/errors'
import type { Handlers } from '@littoral/contract/operation'
import { hashSecret } from '../../domain/secret.ts'
import * as assignments from '../../store/assignments.ts'
import * as gatewayBindings from '../../store/iot-edge/gateway-bindings.ts'
import * as disks from '../../store/node-disks.ts'
import * as joinTokens from '../../store/join-tokens.ts'
import * as deviceStates from '../../store/iot-edge/device-states.ts'
import * as nodes from '../../store/nodes.ts'
import * as reports from '../../store/reports.ts'
import * as samples from '../../store/samples.ts'
import type { Context } from '../context.ts'
import { toBindingView, toDeviceViews, toDiskView, toNodeView, toTime, toWorkloadViews } from './views.ts'

/** Of one answer. */
const mostDevices = 200
/** What was used longer ago than so many looks of a node says nothing of now. */
const usageLooks = 5
/** A node answers at once or not at all. */
const retryTimeoutMs = 5000

export const nodeHandlers = {
  async CreateNodeToken({ Region, Environment, MaxUses = 1, ExpiresInSeconds = 3600 }, ctx) {
    const regions = ctx.settings.regions.map((region) => region.code)
    if (Region !== undefined && !regions.includes(Region)) {
      throw new Fault('Node.RegionUnknown', { Region, Regions: regions.join(', ') })
    }
    const token = `ljt_${ctx.ids.letters(40)}`
    const id = `token-${ctx.ids.hex(12)}`
    const createdAtMs = ctx.now()
    const expiresAtMs = createdAtMs + ExpiresInSeconds * 1000
    await ctx.store.write(async (tx) =>
      joinTokens.insert(tx, {
        id,
        accountId: ctx.principal.accountId,
        tokenHash: hashSecret(token),
        ...(Region === undefined ? {} : { region: Region }),
        ...(Environment === undefined ? {} : { environment: Environment }),
        maxUses: MaxUses,
        uses: 0,
        expiresAtMs,
        createdAtMs,
      }),
    )
    return { TokenId: id, Token: token, ExpiresAt: toTime(expiresAtMs), MaxUses }
  },

  async ListNodes({ PageNumber = 1, PageSize = 20 }, { store, principal: { accountId } }) {
    const offset = (PageNumber - 1) * PageSize
    const page = await store.read((tx) => nodes.page(tx, { accountId, offset, limit: PageSize }))
    return { TotalCount: page.total, PageNumber, PageSize, Nodes: page.nodes.map(toNodeView) }
  },

  async GetNode({ NodeId }, { store, now, settings, principal: { accountId } }) {
    return store.read(async (tx) => {
      const node = await nodes.find(tx, NodeId)
      if (node === undefined || node.accountId !== accountId) throw new Fault('Node.NotFound', { NodeId })
      const desired = await assignments.listByNode(tx, NodeId)
      const reported = await reports.listByNode(tx, NodeId)
      const kept = await gatewayBindings.listByNode(tx, NodeId)
      const Bindings = kept.map((binding) => toBindingView(binding, node))
      const { devices, total } = await deviceStates.pageByNode(tx, NodeId, mostDevices)
      const properties = await deviceStates.listProperties(
        tx,
        devices.map(({ iotId }) => iotId),
      )
      const Devices = toDeviceViews(devices, properties)
      const disk = await disks.find(tx, NodeId)
      const told = { Bindings, DeviceCount: total, Devices, ...(disk && { Disk: toDiskView(disk) }) }
      const keys = [...desired, ...reported].map(({ key }) => key)
      const used = await samples.listNewest(tx, { accountId, nodeId: NodeId, keys, fromMs: now() - usageLooks * settings.statsEveryMs })
      return { Node: toNodeView(node), Workloads: toWorkloadViews(desired, reported, used), ...told }
    })
  },

  async DeleteNode({ NodeId }, { store, principal: { accountId } }) {
    await store.write(async (tx) => {
      const node = await nodes.find(tx, NodeId)
      if (node === undefined || node.accountId !== accountId) throw new Fault('Node.NotFound', { NodeId })
      if (node.isOnline) throw new Fault('Node.Online', { NodeId })
      nodes.remove(tx, NodeId)
    })
    return {}
  },

  async RetryWorkload({ NodeId, Workload: key }, { store, nodes: streams, principal: { accountId } }) {
    await store.read(async (tx) => {
      const node = await nodes.find(tx, NodeId)
      if (node === undefined || node.accountId !== accountId) throw new Fault('Node.NotFound', { NodeId })
      const assigned = await assignments.listByNode(tx, NodeId)
      if (!assigned.some((assignment) => assignment.key === key)) throw new Fault('Node.WorkloadNotFound', { NodeId, Workload: key })
    })
    try {
      return { WasWaiting: await streams.retry(NodeId, key, retryTimeoutMs) }
    } catch (error) {
      throw new Fault('Node.Unreachable', { NodeId, Detail: error instanceof Error ? error.message : String(error) }, { cause: error })
    }
  },
} satisfies Handlers<Pick<typeof operations, 'CreateNodeToken' | 'ListNodes' | 'GetNode' | 'DeleteNode' | 'RetryWorkload'>, Context>
