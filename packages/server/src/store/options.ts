// What openStore() takes. Apart from open.ts because both ends of the dialect seam need it.
export interface StoreLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface StoreOptions {
  /** A path, `:memory:` (one connection in this thread, for tests), `sqlite:<path>`, or later `postgres://…`. */
  readonly file: string
  /** Forces one of the SQLite libraries; else the faster one that is installed. */
  readonly driver?: string
  /** Milliseconds since 1970; for tests. */
  readonly now?: () => number
  readonly log?: StoreLog
}
