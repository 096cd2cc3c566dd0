// Reads what a node should run, as one consistent, numbered whole.
import type { DesiredState, Workload } from '@littoral/contract/node/desired-state'
import * as assignments from '../store/assignments.ts'
import * as logRivers from '../store/edge-container/log-rivers.ts'
import * as gatewayBindings from '../store/iot-edge/gateway-bindings.ts'
import * as nodes from '../store/nodes.ts'
import type { ReadTx, Store } from '../store/store.ts'

/** The node's desired state, or undefined when the node does not exist. */
export async function readDesired(store: Store, nodeId: string): Promise<DesiredState | undefined> {
  return store.read(async (tx) => {
    const generation = (await nodes.listGenerations(tx, [nodeId])).get(nodeId)
    if (generation === undefined) return undefined
    const assigned = await assignments.listByNode(tx, nodeId)
    const bindings = await gatewayBindings.listByNode(tx, nodeId)
    const workloads = await withLogs(
      tx,
      assigned.map(({ workload }) => workload),
    )
    return { generation, workloads, ...(bindings.length === 0 ? {} : { bindings }) }
  })
}

/** With what is to be collected of each application right now: it is no part of an assignment, whose digest it must not change. */
async function withLogs(tx: ReadTx, workloads: readonly Workload[]): Promise<Workload[]> {
  const appIds = new Set(workloads.flatMap((workload) => (workload.kind === 'group' ? [workload.appId] : [])))
  const rivers = appIds.size === 0 ? new Map() : await logRivers.listFlowing(tx, [...appIds])
  return workloads.map((workload) => {
    const river = workload.kind === 'group' ? rivers.get(workload.appId) : undefined
    return river === undefined ? workload : { ...workload, logs: { stdout: river.isStdout, path: river.path } }
  })
}

/** Digests of everything the node's workloads download. */
export async function readDownloads(store: Store, nodeId: string): Promise<Set<string>> {
  const state = await readDesired(store, nodeId)
  const digests = new Set<string>()
  for (const workload of state?.workloads ?? []) {
    if (workload.kind !== 'driver') continue
    if (workload.package) digests.add(workload.package.sha256)
    for (const file of workload.files) digests.add(file.sha256)
  }
  return digests
}
