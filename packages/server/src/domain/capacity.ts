// How many more replicas each area could take (contract: esa-edge-container §12.14). Pure. A replica lies on one node, so
// free processors of one node and free memory of another make none.
import { type Area, areaKey, distinct } from './area.ts'
import type { Container } from './container.ts'
import { specSize } from './workload.ts'

export interface Size {
  readonly cpus: number
  readonly memoryBytes: number
}

export interface CapacityNode extends Size {
  readonly place: Area
  /** What its workloads were promised. */
  readonly used: Size
}

export interface CapacityView {
  /** Areas of the installation; those of nodes are added. */
  readonly areas: readonly Area[]
  /** Nodes that could take a replica now. */
  readonly nodes: readonly CapacityNode[]
  /** What one replica needs. */
  readonly size: Size
  /** What other applications have reserved and do not use. */
  readonly reserved: readonly { readonly place: Area; readonly size: Size; readonly count: number }[]
}

const nothing: Size = { cpus: 0, memoryBytes: 0 }
/** 1C2G, for an application without a version. */
const smallest = specSize('1C2G')

/** What one replica of a version needs: all its containers together. */
export function replicaSize(containers: readonly Pick<Container, 'spec'>[] | undefined): Size {
  return containers === undefined ? smallest : sumOf(containers.map(({ spec }) => specSize(spec)))
}

export function sumOf(sizes: readonly Size[]): Size {
  return sizes.reduce<Size>((sum, size) => ({ cpus: sum.cpus + size.cpus, memoryBytes: sum.memoryBytes + size.memoryBytes }), nothing)
}

export function capacityOf({ areas, nodes, size, reserved }: CapacityView): { place: Area; replicas: number }[] {
  return distinct([...areas, ...nodes.map(({ place }) => place)]).map((place) => {
    const isHere = (other: { place: Area }) => areaKey(other.place) === areaKey(place)
    const fitting = nodes.filter(isHere).reduce((sum, node) => sum + fits(node, size), 0)
    const kept = sumOf(
      reserved.filter(isHere).map(({ size: one, count }) => ({ cpus: one.cpus * count, memoryBytes: one.memoryBytes * count })),
    )
    const keptReplicas = Math.ceil(Math.max(kept.cpus / size.cpus, kept.memoryBytes / size.memoryBytes))
    return { place, replicas: Math.max(0, fitting - keptReplicas) }
  })
}

function fits(node: CapacityNode, size: Size): number {
  const cpus = (node.cpus - node.used.cpus) / size.cpus
  const memory = (node.memoryBytes - node.used.memoryBytes) / size.memoryBytes
  return Math.max(0, Math.floor(Math.min(cpus, memory)))
}
