// Named states of the node itself that an operator has to know of, such as a full disk. Told to the server with the reports
// and shown by GetNode, as long as they stand. One per subject; the list is bounded.
import type { NodeCondition } from '@littoral/contract/node/report'

export type ConditionCode =
  | 'DesiredStateCorrupt'
  | 'IdentityCorrupt'
  | 'RecordCorrupt'
  | 'DiskFull'
  | 'DataFolderReadOnly'
  | 'DiskFailed'
  | 'RuntimeUnavailable'
  | 'ClockWrong'
  | 'WentBack'
  | 'RegionUnknown'

const most = 64

export class Conditions {
  readonly #standing = new Map<string, NodeCondition>()
  readonly #listeners = new Set<(conditions: readonly NodeCondition[]) => void>()
  readonly #now: () => number
  readonly #log: (line: string) => void

  constructor({ now = Date.now, log = () => {} }: { now?: () => number; log?: (line: string) => void } = {}) {
    this.#now = now
    this.#log = log
  }

  /** States a condition of a subject, in place of what was stated of it before. */
  set(subject: string, code: ConditionCode, message: string): void {
    const before = this.#standing.get(subject)
    const text = message.slice(0, 2000)
    if (before?.code === code && before.message === text) return
    if (before === undefined && this.#standing.size >= most) return
    if (before?.code !== code) this.#log(`${code}: ${text}`)
    this.#standing.set(subject, { code, message: text, sinceMs: before?.code === code ? before.sinceMs : Math.round(this.#now()) })
    this.#tell()
  }

  clear(subject: string): void {
    const before = this.#standing.get(subject)
    if (before === undefined) return
    this.#standing.delete(subject)
    this.#log(`${before.code} is over`)
    this.#tell()
  }

  /** States of these subjects what is given, and nothing of other subjects with the same beginning. */
  replace(prefix: string, stated: ReadonlyMap<string, { readonly code: ConditionCode; readonly message: string }>): void {
    for (const subject of this.#standing.keys()) if (subject.startsWith(prefix) && !stated.has(subject)) this.clear(subject)
    for (const [subject, { code, message }] of stated) this.set(subject, code, message)
  }

  list(): NodeCondition[] {
    return [...this.#standing.values()]
  }

  onChange(listener: (conditions: readonly NodeCondition[]) => void): void {
    this.#listeners.add(listener)
  }

  #tell(): void {
    for (const listener of this.#listeners) listener(this.list())
  }
}
