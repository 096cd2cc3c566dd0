// The tables that every installation has. Their types are in tables/core.ts.
import type { Migration } from './migration.ts'

export const core: Migration = {
  name: '0001-core',
  up: [
    `CREATE TABLE installation (
      name TEXT NOT NULL PRIMARY KEY,
      value TEXT NOT NULL
    )`,
    `CREATE TABLE credentials (
      id TEXT NOT NULL PRIMARY KEY,
      account_id TEXT NOT NULL,
      kind TEXT NOT NULL,
      is_active BIGINT NOT NULL,
      created_at BIGINT NOT NULL,
      secret TEXT NOT NULL
    )`,
    // No key here and below: rows that are only appended, with an index that grows at its end, cost the least.
    `CREATE TABLE audit (
      id TEXT NOT NULL,
      account_id TEXT NOT NULL,
      actor TEXT NOT NULL,
      action TEXT NOT NULL,
      at BIGINT NOT NULL,
      outcome TEXT NOT NULL,
      detail TEXT NOT NULL
    )`,
    `CREATE INDEX audit_by_time ON audit (account_id, at)`,
    `CREATE TABLE nonces (
      fingerprint BIGINT NOT NULL,
      expires_at BIGINT NOT NULL
    )`,
    `CREATE INDEX nonces_by_expiry ON nonces (expires_at)`,
  ],
}
