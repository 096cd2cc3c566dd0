// Log rivers that nodes are told of, and what clients set at sites. Table types: tables/records.ts.
import type { Migration } from './migration.ts'

export const rivers: Migration = {
  name: '0015-rivers',
  up: [
    `ALTER TABLE app_log_rivers ADD COLUMN revision BIGINT NOT NULL DEFAULT 1`,
    `ALTER TABLE app_log_rivers ADD COLUMN told_revision BIGINT NOT NULL DEFAULT 0`,
    `CREATE TABLE site_settings (
      site_id BIGINT NOT NULL PRIMARY KEY REFERENCES sites (id) ON DELETE CASCADE,
      settings TEXT NOT NULL
    )`,
    `CREATE TABLE site_tags (
      site_id BIGINT NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
      key TEXT NOT NULL,
      value TEXT NOT NULL,
      PRIMARY KEY (site_id, key)
    )`,
  ],
}
