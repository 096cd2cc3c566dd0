// The shape of an operation's input → form fields, for clients of ours. The inverse of form.ts, in either of the two
// ways in which official clients write structures.
import type { Pair } from './canonical.ts'

/** `shrink`: one parameter with JSON text (ESA). `repeat`: `Configs.1.Key=…` (IoT). */
export type StructureStyle = 'shrink' | 'repeat'

export function encodeForm(input: Readonly<Record<string, unknown>>, style: StructureStyle): Pair[] {
  const pairs: Pair[] = []
  for (const [name, value] of Object.entries(input)) {
    if (style === 'repeat') addRepeat(name, value, pairs)
    else add(name, value, pairs)
  }
  return pairs
}

function add(name: string, value: unknown, pairs: Pair[]): void {
  if (value === undefined || value === null) return
  pairs.push([name, typeof value === 'object' ? JSON.stringify(value) : String(value as string | number | boolean)])
}

function addRepeat(name: string, value: unknown, pairs: Pair[]): void {
  const entries = typeof value === 'object' && value !== null ? entriesOf(value) : []
  // An empty list has no element to be written, so it travels as JSON text.
  if (entries.length === 0) add(name, value, pairs)
  for (const [key, child] of entries) addRepeat(`${name}.${key}`, child, pairs)
}

function entriesOf(value: object): [string, unknown][] {
  if (Array.isArray(value)) return value.map((item, index) => [String(index + 1), item])
  return Object.entries(value)
    .filter(([, child]) => child !== undefined)
    .map(([key, child]) => [/^[A-Za-z]\w*$/.test(key) ? key : `#${key.length}#${key}`, child])
}
