// Table types of what every installation has, whatever families it serves: its own settings, access keys, audit, nonces.
// The tables are created by migrations/0001-core.ts.

/** Facts about this installation, one per row, such as its account id. */
export interface InstallationTable {
  name: string
  value: string
}

export interface CredentialsTable {
  /** The access key id. */
  id: string
  account_id: string
  kind: 'root'
  is_active: 0 | 1
  created_at: number
  /** Sealed by secret-box.ts: the signature check needs the plain text back, so it cannot be a hash. */
  secret: string
}

export interface AuditTable {
  /** The request's id, or an id of the loop's decision. */
  id: string
  account_id: string
  /** Access key id of the caller, or the name of the loop. */
  actor: string
  action: string
  at: number
  outcome: string
  /** What it was about, as JSON text. */
  detail: string
}

/** Signature nonces that were seen, until they may be forgotten. */
export interface NoncesTable {
  /** 52 bits of a hash over access key and nonce (nonces.ts). */
  fingerprint: number
  expires_at: number
}

export interface CoreTables {
  installation: InstallationTable
  credentials: CredentialsTable
  audit: AuditTable
  nonces: NoncesTable
}
