// What lists show and sort by. `written`: the order in which rows were written, for tables whose key is a number (there SQLite's own
// count of rows is that key, which is random); rows from before keep 0, and are told apart by their time alone. `spelling`: a
// record's domain as it was bound; empty in rows from before.
import type { Migration } from './migration.ts'

const tables = ['sites', 'app_records', 'message_routes']

export const lists: Migration = {
  name: '0018-lists',
  up: [
    ...tables.flatMap((table) => [
      `ALTER TABLE ${table} ADD COLUMN written BIGINT NOT NULL DEFAULT 0`,
      `CREATE INDEX ${table}_written ON ${table} (written)`,
    ]),
    `ALTER TABLE app_records ADD COLUMN spelling TEXT NOT NULL DEFAULT ''`,
  ],
}
