// The order in which rows were written, for tables whose key is a number: there SQLite's own count of rows is that key, which is
// random. Rows from before keep 0, and are told apart by their time alone. Used by creation-order.ts.
import type { Migration } from './migration.ts'

const tables = ['sites', 'app_records', 'message_routes']

export const creationOrder: Migration = {
  name: '0018-creation-order',
  up: tables.flatMap((table) => [
    `ALTER TABLE ${table} ADD COLUMN written BIGINT NOT NULL DEFAULT 0`,
    `CREATE INDEX ${table}_written ON ${table} (written)`,
  ]),
}
