// Domains as sites and records name them: their form, and which lies below which. Pure.
import { Fault } from '@littoral/contract/errors'

const longest = 253
const label = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/

/**
 * A domain in lower case, which is how two of them are compared. A record may begin with `*.`. Throws InvalidParameter
 * naming `where`; other alphabets are written in punycode.
 */
export function parseDomainName(text: string, where: string, { mayBeWildcard = false } = {}): string {
  const name = text.toLowerCase()
  const labels = name.split('.')
  if (mayBeWildcard && labels[0] === '*') labels.shift()
  const isRight =
    name.length <= longest && labels.length >= 2 && labels.every((part) => label.test(part)) && !/^\d+$/.test(labels.at(-1) ?? '')
  if (!isRight) throw new Fault('InvalidParameter', { Detail: `${where}: a domain such as www.example.com.` })
  return name
}

/** True for the domain itself and for everything below it. */
export function isWithin(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`)
}

/** The domain and those above it, longest first: where a name's site is looked for. */
export function withParents(name: string): string[] {
  const labels = name.split('.')
  return labels.slice(0, -1).map((_, from) => labels.slice(from).join('.'))
}
