// Table types of nodes, what they should run, what they said of it, and the tokens they join with.
// Merged in schema.ts; created by migrations/0002-nodes.ts.

export interface NodeRow {
  id: string
  account_id: string
  name: string
  region: string
  /** JSON array of 'prod' and 'staging'. */
  environments: string
  gateway_iot_id: string | null
  /** What the join token said, which the node's own word does not change. */
  pinned_region: string | null
  pinned_environment: string | null
  /** SHA-256 of the node's own secret; the secret itself is known to the node alone. */
  secret_hash: string
  is_online: number
  last_seen_at_ms: number | null
  /** Of the desired state; bumped with every change of the node's assignments. */
  generation: number
  /** The newest generation the node said it has accepted. */
  accepted_generation: number
  created_at_ms: number
  /** JSON of NodeFacts. */
  facts: string
  /** JSON array of NodeCondition, as the node told it last. */
  conditions: string
}

export interface AssignmentRow {
  node_id: string
  key: string
  account_id: string
  version: string
  digest: string
  /** The node's generation with which this assignment was written. */
  generation: number
  assigned_at_ms: number
  /** JSON of Workload. */
  workload: string
}

export interface ReportRow {
  node_id: string
  key: string
  account_id: string
  received_at_ms: number
  /** JSON of WorkloadReport. */
  report: string
}

export interface JoinTokenRow {
  id: string
  account_id: string
  token_hash: string
  region: string | null
  environment: string | null
  max_uses: number
  uses: number
  expires_at_ms: number
  created_at_ms: number
}

export interface NodesTables {
  nodes: NodeRow
  assignments: AssignmentRow
  reports: ReportRow
  join_tokens: JoinTokenRow
}
