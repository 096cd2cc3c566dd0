// openStore(): the store of one installation. Called by server.ts and by every test that needs a store.
import { dialectOf } from './dialect.ts'
import type { StoreOptions } from './options.ts'
import type { Store } from './store.ts'

/** Opens the store, creating and migrating it as needed. Throws StartupError with one sentence when it cannot. */
export async function openStore(options: StoreOptions): Promise<Store> {
  return dialectOf(options.file).open(options)
}
