// Carries out deployments: moves each unfinished job on by what is known of its gateway's node, and writes the
// assignments of that node. What to do is decided in domain/deployment.ts.
import type { Binding } from '@littoral/contract/node/desired-state'
import { type DeploymentView, planDeployment } from '../domain/deployment.ts'
import { driverKey, onTrial } from '../domain/driver-workload.ts'
import * as assignments from '../store/assignments.ts'
import * as deploymentStore from '../store/iot-edge/deployments.ts'
import * as gatewayBindings from '../store/iot-edge/gateway-bindings.ts'
import * as gatewayClearings from '../store/iot-edge/gateway-clearings.ts'
import * as nodes from '../store/nodes.ts'
import * as reports from '../store/reports.ts'
import type { ReadTx, Store, WriteTx } from '../store/store.ts'
import { loop } from './loop.ts'

export const deployments = loop({
  name: 'deployments',
  wakeOn: ['deployments', 'reports', 'nodes'],
  everyMs: 10_000,
  gatherMs: 1,
  async pass({ store, now, log, settings }, signal) {
    const { deploymentTimeoutMs: timeoutMs, driverConfirmSeconds: confirmSeconds } = settings
    let nextAtMs: number | undefined
    let decisions = await clearGateways(store, now())
    for (const { id, isDispatched } of await store.read(deploymentStore.listMovable)) {
      if (signal.aborted) break
      // A first look that writes nothing, since most jobs wait for a report. For one that was not dispatched there is a step to do.
      const { view } = isDispatched ? await store.read((tx) => viewOf(tx, id)) : {}
      if (view !== undefined && planDeployment(view, now(), timeoutMs) === undefined) {
        nextAtMs = Math.min(nextAtMs ?? Number.POSITIVE_INFINITY, (view.deployment.dispatchedAtMs ?? 0) + timeoutMs)
        continue
      }
      const status = await store.write((tx) => advance(tx, { id, timeoutMs, confirmSeconds }, now()))
      if (status === undefined) continue
      if (status > 1) log.info({ deploymentId: id, status }, 'a deployment has ended')
      decisions++
    }
    return { decisions, nextAtMs }
  },
})

/** Takes off gateways what is left on them of an instance they were taken out of. */
async function clearGateways(store: Store, nowMs: number): Promise<number> {
  const clearings = await store.read(gatewayClearings.list)
  for (const clearing of clearings) {
    await store.write(async (tx) => {
      const nodeId = (await nodes.findByGateway(tx, clearing.gatewayIotId))?.id
      const assigned = nodeId === undefined ? [] : await assignments.listByNode(tx, nodeId)
      const kept = nodeId === undefined ? [] : await gatewayBindings.list(tx, { nodeId, ...clearing })
      const left = assigned.filter(({ key }) => key.startsWith(driverKey(clearing.instanceId, '')))
      if (kept.length > 0) gatewayBindings.update(tx, { nodeId: nodeId ?? '', ...clearing, accountId: '' }, [])
      for (const { key } of left) assignments.unassign(tx, { nodeId: nodeId ?? '', key, nowMs })
      gatewayClearings.remove(tx, clearing)
    })
  }
  return clearings.length
}

interface Advance {
  readonly id: string
  readonly timeoutMs: number
  readonly confirmSeconds: number
}

/** Applies what the planner decides on the job as it is now; the job's new status, or undefined when nothing was to be done. */
async function advance(tx: WriteTx, { id, timeoutMs, confirmSeconds }: Advance, nowMs: number): Promise<number | undefined> {
  const { view, nodeId } = await viewOf(tx, id)
  const plan = view && planDeployment(view, nowMs, timeoutMs)
  if (view === undefined || plan === undefined) return undefined
  const { instanceId, accountId } = view.deployment
  const kept = nodeId === undefined ? [] : await gatewayBindings.list(tx, { nodeId, instanceId })
  deploymentStore.update(tx, view.deployment, plan.deployment)
  if (nodeId !== undefined) {
    for (const workload of plan.assign) assignments.assign(tx, { nodeId, workload: onTrial(workload, id, confirmSeconds), nowMs })
    for (const key of plan.unassign) assignments.unassign(tx, { nodeId, key, nowMs })
    const { bindings } = plan
    if (bindings !== undefined && !isSame(kept, bindings)) gatewayBindings.update(tx, { nodeId, instanceId, accountId }, bindings)
  }
  return plan.deployment.status
}

/** Whether both hold the same, in whatever order: a node that keeps just this already is not told again. */
function isSame(before: readonly Binding[], after: readonly Binding[]): boolean {
  const textOf = ({ kind, id, name, content }: Binding) => JSON.stringify([kind, id, name, content])
  const known = new Set(before.map(textOf))
  return before.length === after.length && after.every((binding) => known.has(textOf(binding)))
}

async function viewOf(tx: ReadTx, id: string): Promise<{ view?: DeploymentView; nodeId?: string }> {
  const deployment = await deploymentStore.find(tx, id)
  if (deployment === undefined) return {}
  const node = await nodes.findByGateway(tx, deployment.gatewayIotId)
  if (node === undefined) return { view: { deployment, reports: new Map() } }
  const { isOnline, generation, acceptedGeneration, facts } = node
  const gateway = { isOnline, generation, acceptedGeneration, edgeVersion: facts.edgeVersion, arch: facts.arch }
  const known = new Map((await reports.listByNode(tx, node.id)).map((report) => [report.key, report]))
  return { view: { deployment, node: gateway, reports: known }, nodeId: node.id }
}
