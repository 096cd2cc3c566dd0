// Releases by share, region and time, rollbacks, and what their rollouts remember of nodes. Table types: tables/releases.ts.
import type { Migration } from './migration.ts'

export const releases: Migration = {
  name: '0005-releases',
  up: [
    `ALTER TABLE releases ADD COLUMN kind TEXT NOT NULL DEFAULT 'publish'`,
    `ALTER TABLE releases ADD COLUMN publish_type TEXT NOT NULL DEFAULT 'percentage'`,
    `ALTER TABLE releases ADD COLUMN regions TEXT NOT NULL DEFAULT '[]'`,
    `ALTER TABLE releases ADD COLUMN is_full BIGINT NOT NULL DEFAULT 1`,
    `ALTER TABLE releases ADD COLUMN is_from_back BIGINT NOT NULL DEFAULT 0`,
    `ALTER TABLE releases ADD COLUMN rest_version_id TEXT`,
    `ALTER TABLE releases ADD COLUMN created_at_ms BIGINT NOT NULL DEFAULT 0`,
    `ALTER TABLE releases ADD COLUMN start_at_ms BIGINT`,
    `ALTER TABLE releases ADD COLUMN has_begun BIGINT NOT NULL DEFAULT 1`,
    `ALTER TABLE releases ADD COLUMN paused_at_ms BIGINT`,
    `ALTER TABLE releases ADD COLUMN paused_by TEXT`,
    `ALTER TABLE releases ADD COLUMN ending_code TEXT`,
    `ALTER TABLE releases ADD COLUMN ending_message TEXT`,
    `ALTER TABLE releases ADD COLUMN step BIGINT NOT NULL DEFAULT 0`,
    `ALTER TABLE releases ADD COLUMN restart_token TEXT`,
    `UPDATE releases SET created_at_ms = started_at_ms`,
    `CREATE INDEX releases_waiting ON releases (start_at_ms) WHERE has_begun = 0`,
    `CREATE TABLE release_policies (
      app_id TEXT NOT NULL PRIMARY KEY REFERENCES apps (id) ON DELETE CASCADE,
      account_id TEXT NOT NULL,
      max_unavailable TEXT NOT NULL,
      failure_budget TEXT NOT NULL,
      canary_nodes BIGINT NOT NULL,
      bake_seconds BIGINT NOT NULL,
      deadline_seconds BIGINT NOT NULL,
      is_auto_rollback BIGINT NOT NULL,
      updated_at_ms BIGINT NOT NULL,
      updated_by TEXT NOT NULL
    )`,
    `CREATE TABLE release_failures (
      release_id TEXT NOT NULL REFERENCES releases (id) ON DELETE CASCADE,
      node_id TEXT NOT NULL,
      failed_at_ms BIGINT NOT NULL,
      code TEXT NOT NULL,
      message TEXT NOT NULL,
      PRIMARY KEY (release_id, node_id)
    )`,
    `CREATE TABLE rollout_marks (
      app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
      node_id TEXT NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
      digest TEXT NOT NULL,
      reached_at_ms BIGINT,
      ready_at_ms BIGINT,
      PRIMARY KEY (app_id, node_id)
    )`,
    `CREATE INDEX rollout_marks_by_node ON rollout_marks (node_id)`,
  ],
}
