// How careful releases of an application to production are. Every limit of the planner is in here, with its default; there
// are no others. Set by SetReleasePolicy; a change counts at once, also for a release under way. Pure.
import { countOf } from './share.ts'

/** A number of nodes, or a share of the nodes that serve production; a share is rounded down, and is at least one node. */
export type Amount = { readonly nodes: number } | { readonly percentage: number }

export interface ReleasePolicy {
  /** Nodes that may be changing, or ready for less than the bake time, at once. */
  readonly maxUnavailable: Amount
  /** Nodes on which a version may fail. Nodes in doubt count as failed in advance, so it is never exceeded. */
  readonly failureBudget: Amount
  /** While fewer nodes than this have proven the version, no more than this many are touched by it; 0: no canary. */
  readonly canaryNodes: number
  /** How long a node has to stay ready on the version before it counts as proven. */
  readonly bakeSeconds: number
  /** How long a node may take to become ready, from the moment it is there to be told; after it the version failed on it. */
  readonly deadlineSeconds: number
  /** Whether a release that used up its failure budget is rolled back. */
  readonly isAutoRollback: boolean
  /** How long a node that lost contact after the change waits before it goes back by itself; 0: it never does. */
  readonly confirmSeconds: number
}

export const defaultPolicy: ReleasePolicy = {
  maxUnavailable: { percentage: 25 },
  failureBudget: { percentage: 25 },
  canaryNodes: 1,
  bakeSeconds: 0,
  deadlineSeconds: 600,
  isAutoRollback: false,
  confirmSeconds: 600,
}

export function amountOf(amount: Amount, total: number): number {
  return 'nodes' in amount ? amount.nodes : countOf(amount.percentage, total)
}

/** `3` or `25%`; the text is checked at the door. */
export function parseAmount(text: string): Amount {
  return text.endsWith('%') ? { percentage: Number(text.slice(0, -1)) } : { nodes: Number(text) }
}

export function formatAmount(amount: Amount): string {
  return 'nodes' in amount ? String(amount.nodes) : `${amount.percentage}%`
}
