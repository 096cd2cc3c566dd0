// Table types of what belongs to single versions while they run: tickets for terminals and followed logs, samples of what
// workloads use, and the digests that tags stood for. Merged in schema.ts; created by migrations/0008-streams.ts.

export interface StreamTicketRow {
  id: string
  token_hash: string
  account_id: string
  /** Access key id of who asked for it. */
  actor: string
  kind: 'terminal' | 'logs'
  node_id: string
  expires_at_ms: number
  /** JSON of StreamRequest. */
  request: string
}

export interface SampleRow {
  account_id: string
  key: string
  at_ms: number
  node_id: string
  is_ready: number
  cpu_micros: number
  cpu_limit_micros: number | null
  memory_bytes: number
  memory_limit_bytes: number | null
  read_bytes_per_second: number
  written_bytes_per_second: number
}

export interface ImagePinRow {
  account_id: string
  app_id: string
  version_id: string
  /** As the version names it. */
  image: string
  /** The registry it comes from, as host and port; empty where the name says none. */
  host: string
  state: 'pending' | 'pinned' | 'unreachable' | 'unpinned'
  digest: string | null
  source: 'registry' | 'node' | null
  reason: string | null
  attempts: number
  next_at_ms: number
  created_at_ms: number
  updated_at_ms: number
  /** JSON: platform → digest of its manifest. */
  platforms: string
}

export interface StreamsTables {
  stream_tickets: StreamTicketRow
  samples: SampleRow
  image_pins: ImagePinRow
}
