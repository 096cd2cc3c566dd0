// Nodes, their assignments (written only by loops), their reports (written only on behalf of the node), join tokens.
import type { Migration } from './migration.ts'

export const nodes: Migration = {
  name: '0002-nodes',
  up: [
    `CREATE TABLE nodes (
      id TEXT NOT NULL PRIMARY KEY,
      account_id TEXT NOT NULL,
      name TEXT NOT NULL,
      region TEXT NOT NULL,
      environments TEXT NOT NULL,
      gateway_iot_id TEXT,
      pinned_region TEXT,
      pinned_environment TEXT,
      secret_hash TEXT NOT NULL,
      is_online BIGINT NOT NULL,
      last_seen_at_ms BIGINT,
      generation BIGINT NOT NULL,
      accepted_generation BIGINT NOT NULL,
      created_at_ms BIGINT NOT NULL,
      facts TEXT NOT NULL,
      UNIQUE (account_id, gateway_iot_id)
    )`,
    `CREATE INDEX nodes_by_account ON nodes (account_id, created_at_ms, id)`,
    `CREATE INDEX nodes_by_gateway ON nodes (gateway_iot_id)`,
    `CREATE INDEX nodes_by_sight ON nodes (is_online, last_seen_at_ms)`,
    `CREATE TABLE assignments (
      node_id TEXT NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
      key TEXT NOT NULL,
      account_id TEXT NOT NULL,
      version TEXT NOT NULL,
      digest TEXT NOT NULL,
      generation BIGINT NOT NULL,
      assigned_at_ms BIGINT NOT NULL,
      workload TEXT NOT NULL,
      PRIMARY KEY (node_id, key)
    )`,
    `CREATE INDEX assignments_by_key ON assignments (key)`,
    `CREATE TABLE reports (
      node_id TEXT NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
      key TEXT NOT NULL,
      account_id TEXT NOT NULL,
      received_at_ms BIGINT NOT NULL,
      report TEXT NOT NULL,
      PRIMARY KEY (node_id, key)
    )`,
    `CREATE INDEX reports_by_key ON reports (key)`,
    `CREATE TABLE join_tokens (
      id TEXT NOT NULL PRIMARY KEY,
      account_id TEXT NOT NULL,
      token_hash TEXT NOT NULL UNIQUE,
      region TEXT,
      environment TEXT,
      max_uses BIGINT NOT NULL,
      uses BIGINT NOT NULL,
      expires_at_ms BIGINT NOT NULL,
      created_at_ms BIGINT NOT NULL
    )`,
    `CREATE INDEX join_tokens_by_expiry ON join_tokens (expires_at_ms)`,
  ],
}
