// What a SQLite error means. Both drivers report SQLite's own code names; libsql also wraps failures to open.

/** `full`, `io` and `busy` say nothing about the request; they hit whatever was being written. */
export type Trouble = 'unique' | 'missing' | 'full' | 'io' | 'busy' | 'other'

export function troubleOf(error: unknown): Trouble {
  const code = codeOf(error)
  switch (code) {
    case 'SQLITE_CONSTRAINT_UNIQUE':
    case 'SQLITE_CONSTRAINT_PRIMARYKEY':
    case 'SQLITE_CONSTRAINT_ROWID':
      return 'unique'
    case 'SQLITE_CONSTRAINT_FOREIGNKEY':
      return 'missing'
    case 'SQLITE_FULL':
      return 'full'
    case 'SQLITE_CORRUPT':
    case 'SQLITE_NOTADB':
    case 'SQLITE_NOMEM':
      return 'io'
    default:
      if (/^SQLITE_(IOERR|READONLY|CANTOPEN|PERM|AUTH)/.test(code)) return 'io'
      return /^SQLITE_(BUSY|LOCKED)/.test(code) ? 'busy' : 'other'
  }
}

export function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined
  return typeof code === 'string' ? code : ''
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** One sentence for the operator about a database file that could not be opened or prepared. */
export function describeOpenFailure(file: string, error: unknown): string {
  switch (codeOf(error)) {
    case 'SQLITE_FULL':
      return `The disk that holds ${file} is full.`
    case 'SQLITE_NOTADB':
    case 'SQLITE_CORRUPT':
      return `The file ${file} is not a healthy database; restore it from a backup or move it away.`
    case 'SQLITE_READONLY':
    case 'SQLITE_READONLY_DIRECTORY':
    case 'SQLITE_PERM':
      return `The database ${file} cannot be written; check the owner and the permissions of its folder.`
    case 'SQLITE_BUSY':
      return `The database ${file} is in use by another process.`
    default:
      return `The database ${file} cannot be opened: ${messageOf(error)}.`
  }
}
