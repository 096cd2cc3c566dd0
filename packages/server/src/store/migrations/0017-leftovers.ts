// Objects of the object store that nothing uses, and since when. Table type: tables/leftovers.ts.
import type { Migration } from './migration.ts'

export const leftovers: Migration = {
  name: '0017-leftovers',
  up: [
    `CREATE TABLE object_leftovers (
      kind TEXT NOT NULL,
      name TEXT NOT NULL,
      since_ms BIGINT NOT NULL,
      PRIMARY KEY (kind, name)
    )`,
    `CREATE INDEX objects_by_digest ON objects (sha256)`,
  ],
}
