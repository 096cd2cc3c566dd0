// Which database an address means, and the seam between them: a dialect opens a Store and nothing above it knows which.
// A new one needs its own compile(), error translation and way of committing, and must pass store.contract.ts.
import type { StoreOptions } from './options.ts'
import { openSqliteStore } from './sqlite/open.ts'
import { StartupError } from './startup-error.ts'
import type { Store } from './store.ts'

export interface Dialect {
  readonly name: 'sqlite'
  open(options: StoreOptions): Promise<Store>
}

const sqlite: Dialect = {
  name: 'sqlite',
  open: (options) => openSqliteStore({ ...options, file: options.file.replace(/^sqlite:(\/\/)?/, '') }),
}

/** The dialect of a path, of `:memory:` or of `sqlite:<path>`; throws StartupError for anything else. */
export function dialectOf(address: string): Dialect {
  const scheme = /^([a-z][a-z0-9+]+):/i.exec(address)?.[1]?.toLowerCase()
  if (scheme === 'postgres' || scheme === 'postgresql') {
    throw new StartupError('PostgreSQL is not served by this version of Littoral; give the path of a SQLite file.')
  }
  if (scheme !== undefined && scheme !== 'sqlite')
    throw new StartupError(`The store address begins with ${scheme}:, which is no database that Littoral knows.`)
  return sqlite
}
