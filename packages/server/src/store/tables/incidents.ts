// Table types of incidents and of what nodes say of their disks. Merged in schema.ts; created by migrations/0010-incidents.ts.

export interface IncidentRow {
  id: string
  account_id: string
  node_id: string
  /** The node's own name for it: the same capsule may be handed over twice. */
  node_incident_id: string
  key: string
  version: string
  digest: string
  kind: 'failed' | 'rolledBack'
  code: string
  message: string
  happened_at_ms: number
  received_at_ms: number
  /** JSON of Incident, gzipped, in base64. */
  content: string
}

export interface NodeDiskRow {
  node_id: string
  received_at_ms: number
  /** JSON of DiskReport. */
  report: string
}

export interface IncidentsTables {
  incidents: IncidentRow
  node_disks: NodeDiskRow
}
