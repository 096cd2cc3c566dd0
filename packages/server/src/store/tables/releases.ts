// Table types of releases and their rollouts, created by migrations/0003-edge-container.ts and 0005-releases.ts.
import type { Environment } from '../../domain/app.ts'
import type { EndingCode, ReleaseKind, ReleaseStatus } from '../../domain/release.ts'

/** Who published what and when; nothing is deleted before its application. */
export interface ReleaseRow {
  id: string
  account_id: string
  app_id: string
  environment: Environment
  revision: number
  /** Not a foreign key: history outlives versions. */
  version_id: string
  status: ReleaseStatus
  percentage: number
  created_by: string
  started_at_ms: number
  finished_at_ms: number | null
  remarks: string
  kind: ReleaseKind
  publish_type: 'percentage' | 'region'
  /** JSON array of region codes. */
  regions: string
  is_full: number
  is_from_back: number
  rest_version_id: string | null
  created_at_ms: number
  start_at_ms: number | null
  has_begun: number
  paused_at_ms: number | null
  paused_by: string | null
  ending_code: EndingCode | null
  ending_message: string | null
  step: number
  restart_token: string | null
  /** When it was tried again after a stop. */
  resumed_at_ms: number | null
}

export interface ReleasePolicyRow {
  app_id: string
  account_id: string
  /** A number of nodes, or a percentage with its sign; so is the next one. */
  max_unavailable: string
  failure_budget: string
  canary_nodes: number
  bake_seconds: number
  deadline_seconds: number
  is_auto_rollback: number
  confirm_seconds: number
  updated_at_ms: number
  updated_by: string
}

/** Nodes on which a release's version failed. Outlives the node: it is history. */
export interface ReleaseFailureRow {
  release_id: string
  node_id: string
  failed_at_ms: number
  code: string
  message: string
}

/** What the rollout of production remembers of a node and the digest it is assigned. */
export interface RolloutMarkRow {
  app_id: string
  node_id: string
  digest: string
  reached_at_ms: number | null
  ready_at_ms: number | null
}

export interface ReleasesTables {
  releases: ReleaseRow
  release_policies: ReleasePolicyRow
  release_failures: ReleaseFailureRow
  rollout_marks: RolloutMarkRow
}
