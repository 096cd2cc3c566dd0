// The tables of the edge container family. Their types are in tables/edge-container.ts.
import type { Migration } from './migration.ts'

export const edgeContainer: Migration = {
  name: '0003-edge-container',
  up: [
    `CREATE TABLE apps (
      id TEXT NOT NULL PRIMARY KEY,
      account_id TEXT NOT NULL,
      name TEXT NOT NULL,
      status TEXT NOT NULL,
      service_port BIGINT NOT NULL,
      target_port BIGINT NOT NULL,
      created_at_ms BIGINT NOT NULL,
      updated_at_ms BIGINT NOT NULL,
      remarks TEXT NOT NULL,
      health_check TEXT NOT NULL
    )`,
    // A deleted application gives its name back at once, while its instances are still being stopped.
    `CREATE UNIQUE INDEX apps_by_name ON apps (account_id, name) WHERE status = 'created'`,
    `CREATE INDEX apps_by_time ON apps (account_id, created_at_ms, id)`,
    `CREATE TABLE app_versions (
      id TEXT NOT NULL PRIMARY KEY,
      account_id TEXT NOT NULL,
      app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
      name TEXT NOT NULL,
      status TEXT NOT NULL,
      created_at_ms BIGINT NOT NULL,
      updated_at_ms BIGINT NOT NULL,
      first_published_at_ms BIGINT,
      last_published_at_ms BIGINT,
      remarks TEXT NOT NULL,
      containers TEXT NOT NULL,
      UNIQUE (app_id, name)
    )`,
    `CREATE INDEX app_versions_by_time ON app_versions (app_id, created_at_ms, id)`,
    `CREATE TABLE releases (
      id TEXT NOT NULL PRIMARY KEY,
      account_id TEXT NOT NULL,
      app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
      environment TEXT NOT NULL,
      revision BIGINT NOT NULL,
      version_id TEXT NOT NULL,
      status TEXT NOT NULL,
      percentage BIGINT NOT NULL,
      created_by TEXT NOT NULL,
      started_at_ms BIGINT NOT NULL,
      finished_at_ms BIGINT,
      remarks TEXT NOT NULL,
      UNIQUE (app_id, environment, revision)
    )`,
    `CREATE UNIQUE INDEX releases_under_way ON releases (app_id, environment) WHERE status = 'publishing'`,
  ],
}
