// Versions without an index by time (docs/decisions/0021): an application has a hundred, which are sorted when they are listed.
import type { Migration } from './migration.ts'

export const versions: Migration = {
  name: '0019-versions',
  up: ['DROP INDEX app_versions_by_time'],
}
