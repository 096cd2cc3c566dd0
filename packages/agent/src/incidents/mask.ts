// Takes out of a text what must not leave the node: the values of environment variables, wherever they stand. In their place
// comes the name of the variable in brackets. What is too short to be told from ordinary words is left, unless the name says
// that it is a secret.
import type { Workload } from '@littoral/contract/node/desired-state'

const secretName = /pass|pwd|secret|token|key|auth|cred|private|dsn/i
const shortestSecret = 3
const shortestValue = 8
/** `--password=…`, `token: …` and the like, which arguments and command lines are full of. */
const secretArgument =
  /((?:pass(?:word|wd)?|pwd|secret|token|api-?key|access-?key|credentials?|authorization)["']?\s*[=:]\s*["']?(?:(?:bearer|basic)\s+)?)([^\s"',;&]+)/gi
const secretFlag = /(--?(?:pass(?:word|wd)?|pwd|secret|token|api-?key|access-?key|credentials?)\s+)([^\s"']+)/gi
const urlPassword = /(\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s/:@]{0,200}:)([^\s/@]{1,500})(@)/gi

export type Mask = (text: string) => string

/** What hides the values of these workloads, the longest first, so that none is left in part. */
export function maskFor(workloads: readonly Workload[]): Mask {
  const values = new Map<string, string>()
  for (const workload of workloads) {
    if (workload.kind !== 'group') continue
    for (const { name, value } of workload.containers.flatMap(({ env }) => env)) {
      const parts = [value, value.trim(), ...value.split(/\r?\n/)]
      const isSecret = secretName.test(name)
      for (const part of parts) if (part.length >= (isSecret ? shortestSecret : shortestValue)) values.set(part, name)
    }
  }
  const ordered = [...values].toSorted(([a], [b]) => b.length - a.length)
  return (text) => {
    let masked = text
    for (const [value, name] of ordered) if (masked.includes(value)) masked = masked.replaceAll(value, () => `[${name}]`)
    return hideArguments(masked)
  }
}

/** Hides what follows words such as `password=` even where nobody told us its value. */
export function hideArguments(text: string): string {
  const hide = (_match: string, before: string, value: string, after = '') =>
    `${before}${value.startsWith('[') ? value : '[hidden]'}${typeof after === 'string' ? after : ''}`
  return text
    .replace(secretArgument, (match: string, before: string, value: string) => hide(match, before, value))
    .replace(secretFlag, (match: string, before: string, value: string) => hide(match, before, value))
    .replace(urlPassword, (match: string, before: string, value: string, after: string) => hide(match, before, value, after))
}
