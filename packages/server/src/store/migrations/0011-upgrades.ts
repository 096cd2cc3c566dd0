// Upgrades of the agent, and how far each node is with one.
import type { Migration } from './migration.ts'

export const upgrades: Migration = {
  name: '0011-upgrades',
  up: [
    `CREATE TABLE upgrades (
      id TEXT NOT NULL PRIMARY KEY,
      account_id TEXT NOT NULL,
      version TEXT NOT NULL,
      sha256 TEXT NOT NULL,
      size_bytes BIGINT NOT NULL,
      max_at_once BIGINT NOT NULL,
      max_failures BIGINT NOT NULL,
      confirm_seconds BIGINT NOT NULL,
      hold_seconds BIGINT NOT NULL,
      state TEXT NOT NULL,
      stop_reason TEXT,
      created_at_ms BIGINT NOT NULL
    )`,
    `CREATE INDEX upgrades_by_state ON upgrades (state, created_at_ms)`,
    `CREATE TABLE node_upgrades (
      upgrade_id TEXT NOT NULL REFERENCES upgrades (id) ON DELETE CASCADE,
      node_id TEXT NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
      state TEXT NOT NULL,
      code TEXT,
      message TEXT,
      told_at_ms BIGINT,
      updated_at_ms BIGINT NOT NULL,
      PRIMARY KEY (upgrade_id, node_id)
    )`,
    `CREATE INDEX node_upgrades_by_node ON node_upgrades (node_id, state)`,
  ],
}
