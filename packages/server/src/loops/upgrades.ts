// Tells nodes of an upgrade that it is their turn, a few at a time, and ends it when every node has its outcome or too many
// have failed.
import { planUpgrade, type UpgradePlan, type UpgradeView } from '../domain/upgrade.ts'
import * as nodes from '../store/nodes.ts'
import type { ReadTx, WriteTx } from '../store/store.ts'
import * as upgrades from '../store/upgrades.ts'
import { type Loop, loop } from './loop.ts'

export const upgradesLoop: Loop = loop({
  name: 'upgrades',
  wakeOn: ['upgrades', 'nodes'],
  everyMs: 10_000,
  async pass({ store, now, log }, signal) {
    let decisions = 0
    let nextAtMs = Number.POSITIVE_INFINITY
    const running = await store.read(upgrades.listRunning)
    for (const { id } of running) {
      signal.throwIfAborted()
      // Who is there changes all the time and is only a hint, so it is no part of what the write depends on.
      const online = await store.read(async (tx) => new Set((await nodes.listOnline(tx)).map((node) => node.id)))
      const view = await store.read((tx) => readView(tx, id, online))
      if (view === undefined) continue
      let plan = planUpgrade(view, now())
      if (plan.tell.length + plan.silent.length > 0 || plan.end) {
        // Planned again inside the write: another server may have been faster.
        plan = await store.write(async (tx) => {
          const current = await readView(tx, id, online)
          const planned = current ? planUpgrade(current, now()) : { tell: [], silent: [] }
          apply(tx, id, { plan: planned, nowMs: now() })
          return planned
        })
      }
      decisions += plan.tell.length + plan.silent.length + (plan.end ? 1 : 0)
      nextAtMs = Math.min(nextAtMs, plan.nextAtMs ?? nextAtMs)
      if (plan.end) log.info({ upgradeId: id, ...plan.end }, 'an upgrade is over')
    }
    return Number.isFinite(nextAtMs) ? { decisions, nextAtMs } : { decisions }
  },
})

async function readView(tx: ReadTx, id: string, online: ReadonlySet<string>): Promise<UpgradeView | undefined> {
  const upgrade = await upgrades.find(tx, id)
  if (upgrade?.state !== 'running') return undefined
  return { upgrade, nodes: await upgrades.listNodes(tx, id), online }
}

function apply(tx: WriteTx, upgradeId: string, { plan, nowMs }: { plan: UpgradePlan; nowMs: number }): void {
  const reason = { code: 'NoAnswer', message: 'the node did not say in time how it ended; its version is in GetNode when it is back' }
  for (const nodeId of plan.silent) upgrades.updateNode(tx, { upgradeId, nodeId, state: 'failed', reason, nowMs })
  for (const nodeId of plan.tell) upgrades.tell(tx, upgradeId, nodeId, nowMs)
  if (plan.end) upgrades.end(tx, upgradeId, { ...plan.end, nowMs })
}
