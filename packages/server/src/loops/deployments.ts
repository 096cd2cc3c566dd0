// Carries out deployments: moves each unfinished job on by what is known of its gateway's node, and writes the
// assignments of that node. What to do is decided in domain/deployment.ts.
import { type DeploymentView, planDeployment } from '../domain/deployment.ts'
import { driverKey } from '../domain/driver-workload.ts'
import * as assignments from '../store/assignments.ts'
import * as deploymentStore from '../store/iot-edge/deployments.ts'
import * as gatewayClearings from '../store/iot-edge/gateway-clearings.ts'
import * as nodes from '../store/nodes.ts'
import * as reports from '../store/reports.ts'
import type { ReadTx, Store, WriteTx } from '../store/store.ts'
import { loop } from './loop.ts'

export const deployments = loop({
  name: 'deployments',
  wakeOn: ['deployments', 'reports', 'nodes'],
  everyMs: 10_000,
  async pass({ store, now, log }, signal) {
    let decisions = await clearGateways(store, now())
    for (const id of await store.read(deploymentStore.listMovable)) {
      if (signal.aborted) break
      // A first look that writes nothing: most jobs wait for a report.
      const { view } = await store.read((tx) => viewOf(tx, id))
      if (view === undefined || planDeployment(view, now()) === undefined) continue
      const status = await store.write((tx) => advance(tx, id, now()))
      if (status !== undefined && status > 1) log.info({ deploymentId: id, status }, 'a deployment has ended')
      decisions++
    }
    return decisions
  },
})

/** Takes off gateways what is left on them of an instance they were taken out of. */
async function clearGateways(store: Store, nowMs: number): Promise<number> {
  const clearings = await store.read(gatewayClearings.list)
  for (const clearing of clearings) {
    await store.write(async (tx) => {
      const nodeId = (await nodes.findByGateway(tx, clearing.gatewayIotId))?.id
      const assigned = nodeId === undefined ? [] : await assignments.listByNode(tx, nodeId)
      const left = assigned.filter(({ key }) => key.startsWith(driverKey(clearing.instanceId, '')))
      for (const { key } of left) assignments.unassign(tx, { nodeId: nodeId ?? '', key, nowMs })
      gatewayClearings.remove(tx, clearing)
    })
  }
  return clearings.length
}

/** Applies what the planner decides on the job as it is now; the job's new status, or undefined when nothing was to be done. */
async function advance(tx: WriteTx, id: string, nowMs: number): Promise<number | undefined> {
  const { view, nodeId } = await viewOf(tx, id)
  const plan = view && planDeployment(view, nowMs)
  if (view === undefined || plan === undefined) return undefined
  deploymentStore.update(tx, view.deployment, plan.deployment)
  if (nodeId !== undefined) {
    for (const workload of plan.assign) assignments.assign(tx, { nodeId, workload, nowMs })
    for (const key of plan.unassign) assignments.unassign(tx, { nodeId, key, nowMs })
  }
  return plan.deployment.status
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
