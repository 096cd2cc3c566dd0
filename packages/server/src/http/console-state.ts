// What the status page shows, gathered through the operations themselves, so that it cannot know better than the API.
// A part that cannot be had becomes a sentence in its place; the rest is shown. Used by console.ts.
import { Fault } from '@littoral/contract/errors'
import { operations as edgeContainer } from '@littoral/contract/edge-container/index'
import { operations as iotEdge } from '@littoral/contract/iot-edge/index'
import { operations as littoral } from '@littoral/contract/littoral/index'
import type { AnyOperation, Input, Output } from '@littoral/contract/operation'
import type { Context } from '../operations/context.ts'
import type { Registry } from './registry.ts'

/** More than anyone reads on one page; the page says how many there are in all. */
const mostApps = 50
const mostDrivers = 30
const mostNodes = 100
const mostWorkloads = 100
const mostDevices = 100
/** Nodes whose workloads are looked into. */
const mostNodesInside = 20

type Part<T> = T | { readonly Error: string }

export interface Caller {
  call<Op extends AnyOperation>(version: string, operation: Op, input: Input<Op>): Promise<Output<Op>>
}

/** Calls operations in this process, as the given context's principal. */
export function createCaller(registry: Registry, context: Context): Caller {
  return {
    call: (version, operation, input) => registry.find(version, operation.action).handle(input, context) as Promise<never>,
  }
}

const versions = { edgeContainer: '2024-09-10', iotEdge: '2018-01-20', littoral: '2026-12-01' } as const

/** Everything the page shows. */
export async function readState(caller: Caller) {
  const [nodes, apps, drivers, instances] = await Promise.all([
    part(() => caller.call(versions.littoral, littoral.ListNodes, { PageNumber: 1, PageSize: mostNodes })),
    part(() => readApps(caller)),
    part(
      async () => (await caller.call(versions.iotEdge, iotEdge.QueryEdgeDriver, { Type: 1, CurrentPage: 1, PageSize: mostDrivers })).Data,
    ),
    part(async () => (await caller.call(versions.iotEdge, iotEdge.QueryEdgeInstance, { CurrentPage: 1, PageSize: mostDrivers })).Data),
  ])
  const inside = await part(() => readInside(caller, 'Nodes' in nodes ? nodes.Nodes : []))
  const [workloads, devices] = 'Error' in inside ? [inside, inside] : [inside.workloads, inside.devices]
  return { Nodes: nodes, Apps: apps, Workloads: workloads, Devices: devices, Drivers: drivers, Instances: instances }
}

/** What the nodes run, and the devices behind their drivers. */
async function readInside(caller: Caller, nodes: readonly { readonly NodeId: string; readonly Name: string }[]) {
  const inside = await Promise.all(
    nodes.slice(0, mostNodesInside).map(async ({ NodeId, Name }) => {
      const { Workloads, Devices, DeviceCount } = await caller.call(versions.littoral, littoral.GetNode, { NodeId })
      const of = { NodeName: Name }
      return {
        count: DeviceCount,
        workloads: Workloads.map((one) => ({ ...of, ...one })),
        devices: Devices.map((one) => ({ ...of, ...one })),
      }
    }),
  )
  const workloads = inside.flatMap((node) => node.workloads)
  const devices = inside.flatMap((node) => node.devices)
  const deviceCount = inside.reduce((sum, node) => sum + node.count, 0)
  return {
    workloads: { TotalCount: workloads.length, Workloads: workloads.slice(0, mostWorkloads) },
    devices: { TotalCount: deviceCount, Devices: devices.slice(0, mostDevices) },
  }
}

async function readApps(caller: Caller) {
  const page = await caller.call(versions.edgeContainer, edgeContainer.ListEdgeContainerApps, { PageNumber: 1, PageSize: mostApps })
  const apps = await Promise.all(
    page.Apps.map(async (app) => ({
      AppId: app.AppId,
      Name: app.Name,
      ServicePort: app.ServicePort,
      TargetPort: app.TargetPort,
      VersionCount: app.VersionCount,
      Staging: await part(() => readEnvironment(caller, app.AppId, 'staging')),
      Prod: await part(() => readEnvironment(caller, app.AppId, 'prod')),
    })),
  )
  return { TotalCount: page.TotalCount, Apps: apps }
}

async function readEnvironment(caller: Caller, AppId: string, PublishEnv: 'staging' | 'prod') {
  const { AppStatus } = await caller.call(versions.edgeContainer, edgeContainer.GetEdgeContainerAppStatus, { AppId, PublishEnv })
  if (PublishEnv === 'prod') return AppStatus
  const instance = await caller.call(versions.edgeContainer, edgeContainer.GetEdgeContainerStagingDeployStatus, { AppId })
  return { ...AppStatus, Phase: instance.Phase, Addresses: instance.VIPs, Restarts: instance.PodRestartState.RestartCount }
}

async function part<T>(read: () => Promise<T>): Promise<Part<T>> {
  try {
    return await read()
  } catch (error) {
    // An app that was deleted while the page was read is no more than this.
    return { Error: error instanceof Fault ? error.message : 'This part could not be read; the server log says why.' }
  }
}
