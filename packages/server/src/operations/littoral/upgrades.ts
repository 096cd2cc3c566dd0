// Handlers of the operations on upgrades of the agent.
import { Fault } from '@littoral/contract/errors'
import type { operations } from '@littoral/contract/littoral/index'
import type { Handlers } from '@littoral/contract/operation'
import type { Upgrade } from '../../domain/upgrade.ts'
import * as nodes from '../../store/nodes.ts'
import type { ReadTx } from '../../store/store.ts'
import * as upgrades from '../../store/upgrades.ts'
import type { AgentBundle, Context } from '../context.ts'
import { toTime } from './views.ts'

type Actions = 'ListAgentBundles' | 'UpgradeNodes' | 'GetUpgrade' | 'StopUpgrade'

export const upgradeHandlers = {
  async ListAgentBundles(_input, { agents }) {
    const bundles = await agents.list()
    return {
      Bundles: bundles.map(({ version, sha256, sizeBytes, isOwn }) => ({
        AgentVersion: version,
        Sha256: sha256,
        SizeBytes: sizeBytes,
        IsOwn: isOwn,
      })),
    }
  },

  async UpgradeNodes({ NodeIds, Region, AgentVersion, MaxAtOnce = 1, MaxFailures = 0, ConfirmSeconds = 120, HoldSeconds = 10 }, ctx) {
    if (NodeIds !== undefined && Region !== undefined) {
      throw new Fault('Node.InvalidParameter', { Detail: 'Region: name nodes or a region, not both' })
    }
    if (HoldSeconds >= ConfirmSeconds) {
      throw new Fault('Node.InvalidParameter', { Detail: 'HoldSeconds: it must be less than ConfirmSeconds' })
    }
    const { version, sha256, sizeBytes } = findBundle(await ctx.agents.list(), AgentVersion)
    const { accountId } = ctx.principal
    const upgrade: Upgrade = {
      ...{ id: `upgrade-${ctx.ids.hex(12)}`, accountId, version, sha256, sizeBytes },
      ...{ maxAtOnce: MaxAtOnce, maxFailures: MaxFailures, confirmSeconds: ConfirmSeconds, holdSeconds: HoldSeconds },
      ...{ state: 'running', createdAtMs: ctx.now() },
    }
    // Not inside the write: nodes change with every heartbeat, and a node never changes its account.
    const chosen = await ctx.store.read((tx) => (NodeIds === undefined ? ofRegion(tx, accountId, Region) : named(tx, accountId, NodeIds)))
    if (chosen.length === 0) throw new Fault('Upgrade.NoNodes')
    await ctx.store.write(async (tx) => upgrades.insert(tx, upgrade, chosen))
    return { UpgradeId: upgrade.id, AgentVersion: version, Nodes: chosen.length }
  },

  async GetUpgrade({ UpgradeId }, { store, principal: { accountId } }) {
    return store.read(async (tx) => {
      const upgrade = await getUpgrade(tx, accountId, UpgradeId)
      const all = await upgrades.listNodes(tx, UpgradeId)
      return {
        UpgradeId,
        AgentVersion: upgrade.version,
        Sha256: upgrade.sha256,
        State: upgrade.state,
        ...(upgrade.stopReason === undefined ? {} : { StopReason: upgrade.stopReason }),
        MaxAtOnce: upgrade.maxAtOnce,
        MaxFailures: upgrade.maxFailures,
        ConfirmSeconds: upgrade.confirmSeconds,
        HoldSeconds: upgrade.holdSeconds,
        CreatedAt: toTime(upgrade.createdAtMs),
        Nodes: all.map(({ nodeId, state, code, message, updatedAtMs }) => ({
          NodeId: nodeId,
          State: state,
          ...(code === undefined ? {} : { Code: code }),
          ...(message === undefined ? {} : { Message: message }),
          UpdatedAt: toTime(updatedAtMs),
        })),
      }
    })
  },

  async StopUpgrade({ UpgradeId }, { store, now, principal: { accountId } }) {
    await store.write(async (tx) => {
      const { state } = await getUpgrade(tx, accountId, UpgradeId)
      if (state !== 'running') throw new Fault('Upgrade.NotRunning', { UpgradeId, State: state })
      upgrades.end(tx, UpgradeId, { state: 'stopped', reason: 'it was stopped by StopUpgrade', nowMs: now() })
    })
    return {}
  },
} satisfies Handlers<Pick<typeof operations, Actions>, Context>

function findBundle(all: readonly AgentBundle[], version: string | undefined): AgentBundle {
  const found = all.find((bundle) => (version === undefined ? bundle.isOwn : bundle.version === version))
  if (found) return found
  const versions = all.map((bundle) => bundle.version).join(', ') || 'none'
  throw new Fault('Upgrade.VersionUnknown', { Version: version ?? 'of its own', Versions: versions })
}

async function getUpgrade(tx: ReadTx, accountId: string, UpgradeId: string): Promise<Upgrade> {
  const upgrade = await upgrades.find(tx, UpgradeId)
  if (upgrade === undefined || upgrade.accountId !== accountId) throw new Fault('Upgrade.NotFound', { UpgradeId })
  return upgrade
}

async function named(tx: ReadTx, accountId: string, nodeIds: readonly string[]): Promise<string[]> {
  const chosen = [...new Set(nodeIds)]
  for (const NodeId of chosen) {
    const node = await nodes.find(tx, NodeId)
    if (node === undefined || node.accountId !== accountId) throw new Fault('Node.NotFound', { NodeId })
  }
  return chosen
}

async function ofRegion(tx: ReadTx, accountId: string, region: string | undefined): Promise<string[]> {
  const all = await nodes.list(tx, { accountId })
  return all.filter((node) => region === undefined || node.region === region).map(({ id }) => id)
}
