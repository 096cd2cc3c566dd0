// Table types of upgrades of the agent. Merged in schema.ts; created by migrations/0011-upgrades.ts.

export interface UpgradeRow {
  id: string
  account_id: string
  version: string
  sha256: string
  size_bytes: number
  max_at_once: number
  max_failures: number
  confirm_seconds: number
  hold_seconds: number
  state: 'running' | 'finished' | 'stopped'
  stop_reason: string | null
  created_at_ms: number
}

export interface NodeUpgradeRow {
  upgrade_id: string
  node_id: string
  /** waiting, then told, then what the node says; see domain/upgrade.ts. */
  state: string
  code: string | null
  message: string | null
  told_at_ms: number | null
  updated_at_ms: number
}

export interface UpgradesTables {
  upgrades: UpgradeRow
  node_upgrades: NodeUpgradeRow
}
