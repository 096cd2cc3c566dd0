// Table types of the edge container family, created by migrations/0003-edge-container.ts.
// Releases have their own file, releases.ts.

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

export interface EdgeContainerTables {
  apps: AppRow
  app_versions: AppVersionRow
}
