// The server's log: one JSON object per line on stderr, so that stdout stays free for the one line that scripts wait for.
import type { Log } from './operations/context.ts'

/** Writes log lines with a function such as process.stderr.write. */
export function jsonLog(write: (line: string) => void): Log {
  const at = (level: string) => (fields: object, message: string) => {
    const line = { time: new Date().toISOString(), level, message, ...fields }
    // A replacer makes it several times slower, and most lines, one per call, are plain.
    write(`${isPlain(fields) ? JSON.stringify(line) : JSON.stringify(line, plainErrors)}\n`)
  }
  return { info: at('info'), warn: at('warn'), error: at('error') }
}

function isPlain(fields: object): boolean {
  for (const name in fields) if (typeof (fields as Record<string, unknown>)[name] === 'object') return false
  return true
}

function plainErrors(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value
  const { name, message, stack, cause } = value
  return { name, message, code: (value as { code?: unknown }).code, stack, ...(cause === undefined ? {} : { cause }) }
}
