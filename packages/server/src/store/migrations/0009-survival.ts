// What nodes say of themselves, and versions that a node has to confirm.
import type { Migration } from './migration.ts'

export const survival: Migration = {
  name: '0009-survival',
  up: [
    `ALTER TABLE nodes ADD COLUMN conditions TEXT NOT NULL DEFAULT '[]'`,
    `ALTER TABLE release_policies ADD COLUMN confirm_seconds BIGINT NOT NULL DEFAULT 600`,
    `ALTER TABLE releases ADD COLUMN resumed_at_ms BIGINT`,
  ],
}
