// The tables around an application: sites and the domains bound to it, pull secrets, reservation, log river. Their types are
// in tables/records.ts.
import type { Migration } from './migration.ts'

export const records: Migration = {
  name: '0006-records',
  up: [
    // A domain is one site in the whole installation: two accounts cannot both have the traffic of it.
    `CREATE TABLE sites (
      id BIGINT NOT NULL PRIMARY KEY,
      account_id TEXT NOT NULL,
      name TEXT NOT NULL UNIQUE,
      access TEXT NOT NULL,
      coverage TEXT NOT NULL,
      plan_id TEXT NOT NULL,
      resource_group_id TEXT NOT NULL,
      created_at_ms BIGINT NOT NULL,
      updated_at_ms BIGINT NOT NULL
    )`,
    `CREATE INDEX sites_by_time ON sites (account_id, created_at_ms, id)`,
    `CREATE TABLE app_records (
      id BIGINT NOT NULL PRIMARY KEY,
      account_id TEXT NOT NULL,
      app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
      site_id BIGINT NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
      name TEXT NOT NULL UNIQUE,
      cname TEXT NOT NULL,
      config_id BIGINT NOT NULL,
      scheduling_id BIGINT NOT NULL,
      created_at_ms BIGINT NOT NULL,
      updated_at_ms BIGINT NOT NULL
    )`,
    `CREATE INDEX app_records_by_app ON app_records (app_id, created_at_ms, id)`,
    `CREATE INDEX app_records_by_site ON app_records (site_id, created_at_ms, id)`,
    `CREATE TABLE app_image_secrets (
      app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
      name TEXT NOT NULL,
      account_id TEXT NOT NULL,
      registry TEXT NOT NULL,
      username TEXT NOT NULL,
      created_at_ms BIGINT NOT NULL,
      password TEXT NOT NULL,
      PRIMARY KEY (app_id, name)
    )`,
    `CREATE TABLE app_reservations (
      app_id TEXT NOT NULL PRIMARY KEY REFERENCES apps (id) ON DELETE CASCADE,
      account_id TEXT NOT NULL,
      is_enabled BIGINT NOT NULL,
      is_forever BIGINT NOT NULL,
      duration_time TEXT NOT NULL,
      updated_at_ms BIGINT NOT NULL,
      replicas TEXT NOT NULL
    )`,
    `CREATE TABLE app_log_rivers (
      app_id TEXT NOT NULL PRIMARY KEY REFERENCES apps (id) ON DELETE CASCADE,
      account_id TEXT NOT NULL,
      is_stdout BIGINT NOT NULL,
      path TEXT NOT NULL,
      updated_at_ms BIGINT NOT NULL
    )`,
  ],
}
