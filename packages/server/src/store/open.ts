// openStore(): the store of one installation. Called by server.ts and by every test that needs a store.
import { dialectOf } from './dialect.ts'
import type { Store } from './store.ts'

export interface StoreLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface StoreOptions {
  /** A path, `:memory:` (one connection in this thread, for tests), `sqlite:<path>`, or later `postgres://…`. */
  readonly file: string
  /** Milliseconds since 1970; for tests. */
  readonly now?: () => number
  readonly log?: StoreLog
}

/** Opens the store, creating and migrating it as needed. Throws StartupError with one sentence when it cannot. */
export async function openStore(options: StoreOptions): Promise<Store> {
  return dialectOf(options.file).open(options)
}
