// Table types of the edge container family, created by migrations/0003-edge-container.ts.
import type { Environment } from '../../domain/app.ts'
import type { ReleaseStatus } from '../../domain/release.ts'

export interface AppRow {
  id: string
  account_id: string
  name: string
  status: 'created' | 'deleted'
  service_port: number
  target_port: number
  created_at_ms: number
  updated_at_ms: number
  remarks: string
  /** JSON of HealthCheck. */
  health_check: string
}

export interface AppVersionRow {
  id: string
  account_id: string
  app_id: string
  name: string
  status: 'created'
  created_at_ms: number
  updated_at_ms: number
  first_published_at_ms: number | null
  last_published_at_ms: number | null
  remarks: string
  /** JSON of Container[]; never changes. */
  containers: string
}

/** Who published what and when; nothing is deleted before its application. */
export interface ReleaseRow {
  id: string
  account_id: string
  app_id: string
  environment: Environment
  revision: number
  /** Not a foreign key: history outlives versions. */
  version_id: string
  status: ReleaseStatus
  percentage: number
  created_by: string
  started_at_ms: number
  finished_at_ms: number | null
  remarks: string
}

export interface EdgeContainerTables {
  apps: AppRow
  app_versions: AppVersionRow
  releases: ReleaseRow
}
