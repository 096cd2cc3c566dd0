// Tickets for terminals and followed logs, samples of use, digests of images.
import type { Migration } from './migration.ts'

export const streams: Migration = {
  name: '0008-streams',
  up: [
    `CREATE TABLE stream_tickets (
      id TEXT NOT NULL PRIMARY KEY,
      token_hash TEXT NOT NULL,
      account_id TEXT NOT NULL,
      actor TEXT NOT NULL,
      kind TEXT NOT NULL,
      node_id TEXT NOT NULL,
      expires_at_ms BIGINT NOT NULL,
      request TEXT NOT NULL
    )`,
    `CREATE INDEX stream_tickets_by_expiry ON stream_tickets (expires_at_ms)`,
    `CREATE TABLE samples (
      account_id TEXT NOT NULL,
      key TEXT NOT NULL,
      at_ms BIGINT NOT NULL,
      node_id TEXT NOT NULL,
      is_ready BIGINT NOT NULL,
      cpu_micros BIGINT NOT NULL,
      cpu_limit_micros BIGINT,
      memory_bytes BIGINT NOT NULL,
      memory_limit_bytes BIGINT,
      read_bytes_per_second BIGINT NOT NULL,
      written_bytes_per_second BIGINT NOT NULL,
      PRIMARY KEY (account_id, key, at_ms, node_id)
    )`,
    `CREATE INDEX samples_by_time ON samples (at_ms)`,
    `CREATE TABLE image_pins (
      account_id TEXT NOT NULL,
      app_id TEXT NOT NULL,
      version_id TEXT NOT NULL,
      image TEXT NOT NULL,
      host TEXT NOT NULL,
      state TEXT NOT NULL,
      digest TEXT,
      source TEXT,
      reason TEXT,
      attempts BIGINT NOT NULL,
      next_at_ms BIGINT NOT NULL,
      created_at_ms BIGINT NOT NULL,
      updated_at_ms BIGINT NOT NULL,
      platforms TEXT NOT NULL,
      PRIMARY KEY (version_id, image)
    )`,
    `CREATE INDEX image_pins_by_due ON image_pins (state, next_at_ms)`,
    `CREATE INDEX app_versions_by_creation ON app_versions (created_at_ms)`,
  ],
}
