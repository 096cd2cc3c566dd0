// Table types of what stands around an application, created by migrations/0006-records.ts.
import type { SiteAccess, SiteCoverage } from '../../domain/site.ts'

export interface SiteRow {
  /** Below 2^53: on the wire it is a JSON number. */
  id: number
  account_id: string
  /** The domain in lower case. */
  name: string
  access: SiteAccess
  coverage: SiteCoverage
  plan_id: string
  resource_group_id: string
  created_at_ms: number
  updated_at_ms: number
  /** See creation-order.ts. */
  written: number
}

export interface AppRecordRow {
  id: number
  account_id: string
  app_id: string
  site_id: number
  /** The bound domain in lower case. */
  name: string
  /** The same as it was sent; empty where that is not known. */
  spelling: string
  cname: string
  config_id: number
  scheduling_id: number
  created_at_ms: number
  updated_at_ms: number
  /** See creation-order.ts. */
  written: number
}

export interface AppImageSecretRow {
  app_id: string
  name: string
  account_id: string
  registry: string
  username: string
  /** Later for every further secret of an application, so that there is always one newest. */
  created_at_ms: number
  /** Sealed. */
  password: string
}

export interface AppReservationRow {
  app_id: string
  account_id: string
  is_enabled: number
  is_forever: number
  /** As it was sent; empty where there is none. */
  duration_time: string
  updated_at_ms: number
  /** JSON of ReservedReplicas[]. */
  replicas: string
}

export interface AppLogRiverRow {
  app_id: string
  account_id: string
  is_stdout: number
  path: string
  updated_at_ms: number
  /** Counts the changes; `told_revision` is the one that nodes were told of. */
  revision: number
  told_revision: number
}

/** Settings of a site that clients read and write; a site without a row has the usual ones. */
export interface SiteSettingsRow {
  site_id: number
  /** JSON of SiteSettings, as far as they were set. */
  settings: string
}

export interface SiteTagRow {
  site_id: number
  key: string
  value: string
}

export interface RecordsTables {
  sites: SiteRow
  app_records: AppRecordRow
  app_image_secrets: AppImageSecretRow
  app_reservations: AppReservationRow
  app_log_rivers: AppLogRiverRow
  site_settings: SiteSettingsRow
  site_tags: SiteTagRow
}
