// Incidents that nodes handed over, and what each node said last of its disk.
import type { Migration } from './migration.ts'

export const incidents: Migration = {
  name: '0010-incidents',
  up: [
    `CREATE TABLE incidents (
      id TEXT NOT NULL PRIMARY KEY,
      account_id TEXT NOT NULL,
      node_id TEXT NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
      node_incident_id TEXT NOT NULL,
      key TEXT NOT NULL,
      version TEXT NOT NULL,
      digest TEXT NOT NULL,
      kind TEXT NOT NULL,
      code TEXT NOT NULL,
      message TEXT NOT NULL,
      happened_at_ms BIGINT NOT NULL,
      received_at_ms BIGINT NOT NULL,
      content TEXT NOT NULL,
      UNIQUE (node_id, node_incident_id)
    )`,
    `CREATE INDEX incidents_by_account ON incidents (account_id, received_at_ms, id)`,
    `CREATE INDEX incidents_by_node ON incidents (node_id, received_at_ms, id)`,
    `CREATE INDEX incidents_by_key ON incidents (account_id, key, received_at_ms, id)`,
    `CREATE INDEX incidents_by_age ON incidents (received_at_ms)`,
    `CREATE TABLE node_disks (
      node_id TEXT NOT NULL PRIMARY KEY REFERENCES nodes (id) ON DELETE CASCADE,
      received_at_ms BIGINT NOT NULL,
      report TEXT NOT NULL
    )`,
  ],
}
