// The page behind an error's `Recommend` address: what the catalogue knows about a code, as plain text. Called by app.ts.
import { faultEntry, faultNames } from '@littoral/contract/errors'

/** Undefined when no fault has this code. */
export function adviceOn(code: string): string | undefined {
  const entries = faultNames()
    .map((name) => ({ ...faultEntry(name), code: faultEntry(name).code ?? name }))
    .filter((entry) => patternOf(entry.code).test(code))
  // `MissingSecurityToken` is also what `Missing{Name}` stands for; an entry of its own says more.
  const own = entries.filter((entry) => entry.code === code)
  const shown = own.length > 0 ? own : entries
  if (shown.length === 0) return undefined
  return shown.map((entry) => `${code} (${entry.status})\n\n${entry.message}\n\n${entry.advice}\n`).join('\n')
}

function patternOf(code: string): RegExp {
  const literal = code.replace(/[.*+?^$()|[\]\\]/g, '\\$&')
  return new RegExp(`^${literal.replace(/\{\w+\}/g, '[A-Za-z][\\w.]*')}$`)
}
