// Which database an address means, and the seam between them: a dialect opens a Store and nothing above it knows which.
import { StartupError } from './startup-error.ts'
import type { StoreOptions } from './open.ts'
import type { Store } from './store.ts'

export interface Dialect {
  open(options: StoreOptions): Promise<Store>
}

export function dialectOf(address: string): Dialect {
  throw new StartupError(`The store address ${address} names no database that is served.`)
}
