// What travels between the store and its writer: a batch of requests as one flat array of plain values, so that the
// structured clone between the threads is one pass over primitives, and SQL texts are sent once and then by number.
import type { Trouble } from './errors.ts'
import type { Row, Value } from './driver.ts'

export const stepKind = {
  /** A statement. */
  run: 0,
  /** A statement that must change at least one row. */
  change: 1,
  /** A statement that no table has a reason to refuse. */
  append: 2,
  /** A query that must return at least one row. */
  require: 3,
  /** A query whose rows must still be what the main thread read; its last value is their fingerprint. */
  sameRows: 4,
  /** The same for a query of which only the first row was looked at. */
  sameFirst: 5,
} as const
export type StepKind = (typeof stepKind)[keyof typeof stepKind]

export interface Step {
  readonly kind: StepKind
  readonly sql: string
  readonly params: readonly Value[]
}

export interface Batch {
  /** True: every number given to a text so far is void. */
  readonly isReset: boolean
  /** Texts that appear for the first time: number, text, number, text … */
  readonly texts: readonly (number | string)[]
  readonly requestCount: number
  /** Per request: count of steps, then per step: number of the text, kind, count of values, the values. */
  readonly flat: readonly Value[]
}

/** A request of a batch that was not applied; whatever is not listed was. */
export interface Refusal {
  readonly request: number
  readonly reason: 'conflict' | 'require' | 'none' | Trouble
  readonly step: number
  readonly message: string
}

/** The answer to a batch, given only after COMMIT has returned. */
export interface BatchResult {
  readonly refusals: readonly Refusal[]
  /** Set: the group could not be committed, and nothing of it was applied. */
  readonly failure?: { readonly trouble: Trouble; readonly message: string }
}

/** The text by which a read is compared with itself at commit. */
export function fingerprint(rows: readonly Row[]): string {
  let text = ''
  for (const row of rows) text += JSON.stringify(Object.values(row)) + '\n'
  return text
}

const maxTexts = 4000

/** Packs requests into batches; remembers which texts the writer already has. */
export class BatchPacker {
  #numbers = new Map<string, number>()

  pack(requests: readonly (readonly Step[])[]): Batch {
    const isReset = this.#numbers.size >= maxTexts
    if (isReset) this.#numbers.clear()
    const texts: (number | string)[] = []
    const flat: Value[] = []
    for (const steps of requests) {
      flat.push(steps.length)
      for (const { sql, kind, params } of steps) {
        flat.push(this.#numberOf(sql, texts), kind, params.length)
        for (const param of params) flat.push(param)
      }
    }
    return { isReset, texts, requestCount: requests.length, flat }
  }

  #numberOf(sql: string, texts: (number | string)[]): number {
    const known = this.#numbers.get(sql)
    if (known !== undefined) return known
    const number = this.#numbers.size
    this.#numbers.set(sql, number)
    texts.push(number, sql)
    return number
  }
}
