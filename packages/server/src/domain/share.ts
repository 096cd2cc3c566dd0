// Which nodes of production a release covers. A node's place in line is a hash of application and node and nothing else:
// a higher percentage only adds nodes, whoever asks, in whatever order nodes joined or answered. Pure.
export interface Share {
  /** Share of the nodes, 0–100, taken from one end of the line; 0 for a release that goes by regions alone. */
  readonly percentage: number
  /** Nodes of these regions are covered as well. */
  readonly regions: readonly string[]
  /** Every node there is. */
  readonly isFull: boolean
  /**
   * Counted from the end of the line: a partial rollback to the baseline, so that the nodes which keep the newer version are
   * the ones that were first to get it.
   */
  readonly isFromBack: boolean
}

export const wholeShare: Share = { percentage: 100, regions: [], isFull: true, isFromBack: false }

export interface LineNode {
  readonly id: string
  readonly region: string
}

/** A share of this many nodes: rounded down, but at least one of those there are. */
export function countOf(percentage: number, total: number): number {
  return percentage === 0 ? 0 : Math.min(total, Math.max(1, Math.floor((percentage * total) / 100)))
}

/** The nodes of an application in the order in which releases reach them. */
export function inLine<N extends { readonly id: string }>(appId: string, nodes: readonly N[]): N[] {
  return nodes
    .map((node) => ({ node, place: placeOf(`${appId}\n${node.id}`) }))
    .sort((a, b) => a.place - b.place || (a.node.id < b.node.id ? -1 : 1))
    .map(({ node }) => node)
}

/** The ids of the covered nodes; `line` is in order. */
export function membersOf(share: Share, line: readonly LineNode[]): Set<string> {
  if (share.isFull) return new Set(line.map(({ id }) => id))
  const count = countOf(share.percentage, line.length)
  const byShare = share.isFromBack ? line.slice(line.length - count) : line.slice(0, count)
  const byRegion = line.filter(({ region }) => share.regions.includes(region))
  return new Set([...byShare, ...byRegion].map(({ id }) => id))
}

/** FNV-1a, then mixed so that ids which differ in their last letter are spread as well. Changing it moves every fleet's line. */
function placeOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
