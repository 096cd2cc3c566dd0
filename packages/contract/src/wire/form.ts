// Form fields → the shape of an operation's input, driven by its schema. Every way in which official clients write lists,
// maps, booleans and numbers is understood here and nowhere else. What cannot be decoded stays as it was sent, so that
// the check after it names the field. The way back is encode.ts.
import { branchOf, type JsonSchema, mapValueSchema, type Shape, shapeOf, wordsOf } from './schema.ts'
import type { Fields } from './parameters.ts'

export interface Decoded {
  readonly input: Record<string, unknown>
  /** Names that the operation does not declare. */
  readonly unknown: readonly string[]
}

export type Decode = (fields: Fields) => Decoded

/** What decoding needs of a schema, looked up once. */
interface Plan {
  readonly shape: Shape
  /** Of a list. */
  readonly items?: Plan
  /** Of an object: declared properties, the values of a map, and whether other keys are left for the check to refuse. */
  readonly properties?: ReadonlyMap<string, Plan>
  readonly mapValue?: Plan
  readonly isClosed: boolean
  /** Empty text is no value of it, but says that none is given. */
  readonly isUnsetByEmpty: boolean
  /** A text that is JSON. */
  readonly isJsonText: boolean
}

interface Property {
  readonly name: string
  readonly plan: Plan
}

/** What an operation's parameters may be called on the wire. */
interface Names {
  readonly properties: ReadonlyMap<string, Property>
  readonly renames: ReadonlyMap<string, string>
}

/** Prepares the decoding of one operation's fields; `aliases` maps other names on the wire to declared ones. */
export function formDecoder(schema: object, aliases: Readonly<Record<string, string>> = {}): Decode {
  const properties = new Map<string, Property>()
  for (const [name, plan] of plansOf(schema as JsonSchema)) properties.set(name, { name, plan })
  const names: Names = { properties, renames: new Map(Object.entries(aliases)) }
  return (fields) => decode(fields, names)
}

function plansOf({ properties = {}, required = [] }: JsonSchema): [string, Plan][] {
  return Object.entries(properties).map(([name, child]) => [name, planOf(child, !required.includes(name))])
}

function planOf(schema: JsonSchema, isOptional = false): Plan {
  const list = branchOf(schema, 'array')
  const object = branchOf(schema, 'object')
  const mapValue = object && mapValueSchema(object)
  const shape = shapeOf(schema)
  const words = wordsOf(schema)
  return {
    shape,
    isClosed: object?.additionalProperties === false,
    isJsonText: shape === 'text' && schema.contentSchema !== undefined,
    isUnsetByEmpty: isOptional && shape === 'text' && words !== undefined && !words.includes(''),
    ...(list?.items && { items: planOf(list.items) }),
    ...(object?.properties && { properties: new Map(plansOf(object)) }),
    ...(mapValue && { mapValue: planOf(mapValue) }),
  }
}

function decode(fields: Fields, names: Names): Decoded {
  const values = new Map<string, unknown>()
  const flat = new Map<string, Tree>()
  const unknown: string[] = []
  for (const [wireName, value] of fields) {
    const whole = names.properties.get(wireName) ?? renamed(wireName, fields, names)
    if (whole !== undefined) {
      const decoded = normalize(value, whole.plan)
      if (decoded !== undefined) values.set(whole.name, decoded)
    } else if (!addFlat(wireName, value, flat, names)) unknown.push(wireName)
  }
  const input: Record<string, unknown> = {}
  for (const { name, plan } of names.properties.values()) {
    const tree = flat.get(name)
    const value = values.has(name) || tree === undefined ? values.get(name) : treeValue(tree, plan)
    if (value !== undefined) input[name] = value
  }
  return { input, unknown }
}

// A declared name that is sent as well wins over its alias.
function renamed(wireName: string, fields: Fields, names: Names): Property | undefined {
  const name = names.renames.get(wireName)
  return name === undefined || fields.has(name) ? undefined : names.properties.get(name)
}

/** A node of `A.1.B=…` written as a tree: text at the leaves. */
type Tree = Map<string, unknown>

/** No declared name comes near it, however deep and however long its map's keys. */
const MAX_FLAT_NAME = 1024

function addFlat(wireName: string, value: unknown, flat: Map<string, Tree>, names: Names): boolean {
  if (wireName.length > MAX_FLAT_NAME || !wireName.includes('.')) return false
  const [first = '', ...path] = segmentsOf(wireName)
  const property = names.properties.get(first) ?? names.properties.get(names.renames.get(first) ?? '')
  const last = path.pop()
  if (property?.plan.shape !== 'structure' || last === undefined) return false
  let tree: Tree = flat.get(property.name) ?? new Map<string, unknown>()
  flat.set(property.name, tree)
  for (const segment of path) {
    const next = tree.get(segment)
    const branch: Tree = next instanceof Map ? next : new Map<string, unknown>()
    tree.set(segment, branch)
    tree = branch
  }
  if (!(tree.get(last) instanceof Map)) tree.set(last, value)
  return true
}

/** `Labels.#3#a.b.Name` → Labels, a.b, Name: a key between # signs says how long it is, so it may hold dots. */
export function segmentsOf(name: string): string[] {
  const segments: string[] = []
  let rest = name
  while (rest !== '') {
    const counted = /^#(\d{1,6})#/.exec(rest)
    const start = counted?.[0].length ?? 0
    const end = counted === null ? dotAfter(rest, 0) : keyEnd(rest, start, Number(counted[1]))
    segments.push(rest.slice(start, end))
    rest = rest.slice(end + 1)
  }
  return segments
}

function dotAfter(text: string, from: number): number {
  const at = text.indexOf('.', from)
  return at < 0 ? text.length : at
}

// Node counts characters and Go counts bytes; the reading that ends at a dot or at the end of the name is the right one.
function keyEnd(text: string, start: number, length: number): number {
  const byCharacters = start + length
  if (byCharacters === text.length || text[byCharacters] === '.') return byCharacters
  const byBytes = start + Buffer.from(text.slice(start)).subarray(0, length).toString().length
  return byBytes === text.length || text[byBytes] === '.' ? byBytes : dotAfter(text, start)
}

function treeValue(node: unknown, plan: Plan): unknown {
  if (!(node instanceof Map)) return normalize(node, plan)
  const isList = plan.items !== undefined && [...node.keys()].every((key) => /^\d{1,9}$/.test(key))
  if (isList) return listValue(node, plan.items)
  const result: Record<string, unknown> = {}
  for (const [key, child] of node as Tree) {
    const childPlan = plan.properties?.get(key) ?? plan.mapValue
    const value = childPlan === undefined ? misplaced(child, plan) : treeValue(child, childPlan)
    if (value !== undefined) setOwn(result, key, value)
  }
  return result
}

// A key that a declared object does not know is left out; one where no object is expected stays, for the check to name.
function misplaced(child: unknown, plan: Plan): unknown {
  return plan.properties === undefined ? (child instanceof Map ? {} : child) : undefined
}

// By number, not by text (10 comes after 2); gaps close up.
function listValue(node: Tree, items: Plan): unknown[] {
  return [...node]
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, child]) => treeValue(child, items))
    .filter((value) => value !== undefined)
}

const DECIMAL = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/**
 * One value, text or already JSON, brought to the type its schema wants. Empty text means absent for everything but text, and
 * for optional words: clients write down what was not given (rpc-client), and none of the words is empty.
 * Structures may come as JSON text at any depth: the vendor's own sample has ProbeContent as JSON text inside JSON.
 */
function normalize(value: unknown, plan: Plan): unknown {
  if (typeof value === 'string') {
    if (value === '' && plan.isUnsetByEmpty) return undefined
    return plan.shape === 'text' || plan.shape === 'any' ? value : normalizeText(value, plan)
  }
  if (value === null) return undefined
  if (typeof value !== 'object') return value
  if (plan.isJsonText) return jsonTextOf(value)
  return Array.isArray(value) ? normalizeList(value, plan) : normalizeObject(value, plan)
}

/**
 * Who writes a JSON body by hand writes the object where its JSON text is wanted. What is not the same as text stays an object,
 * for the check to refuse: a number past 2^53 has become another one already, and no stack is deep enough for every nesting.
 */
function jsonTextOf(value: object): unknown {
  let isExact = true
  const look = (_key: string, inner: unknown) => {
    if (typeof inner === 'number' && Number.isInteger(inner) && !Number.isSafeInteger(inner)) isExact = false
    return inner
  }
  try {
    const text = JSON.stringify(value, look)
    return isExact ? text : value
  } catch {
    return value
  }
}

function normalizeText(text: string, plan: Plan): unknown {
  if (text === '') return undefined
  if (plan.shape === 'number') return numberOf(text)
  if (plan.shape === 'boolean') return booleanOf(text)
  const parsed = parseJson(text)
  return parsed === undefined ? text : normalize(parsed, plan)
}

function numberOf(text: string): unknown {
  const number = Number(text)
  // Past 2^53 the number would silently become another one.
  const isExact = DECIMAL.test(text) && (!Number.isInteger(number) || Number.isSafeInteger(number))
  return isExact ? number : text
}

function booleanOf(text: string): unknown {
  const lower = text.length <= 5 ? text.toLowerCase() : text
  return lower === 'true' ? true : lower === 'false' ? false : text
}

function parseJson(text: string): unknown {
  const first = text.trimStart()[0]
  if (first !== '{' && first !== '[') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function normalizeList(list: unknown[], { items }: Plan): unknown {
  if (items === undefined || (items.shape === 'text' && !items.isJsonText)) return list
  return list.map((item) => normalize(item, items) ?? item)
}

// Keys the schema does not know are left out, so that nobody behind the door relies on them; a schema that forbids them
// by `additionalProperties: false` gets to see and refuse them.
function normalizeObject(object: object, plan: Plan): unknown {
  if (plan.properties === undefined && plan.mapValue === undefined) return object
  const result: Record<string, unknown> = {}
  for (const key in object) {
    const value = (object as Record<string, unknown>)[key]
    const child = plan.properties?.get(key) ?? plan.mapValue
    const normalized = child === undefined ? (plan.isClosed ? value : undefined) : normalize(value, child)
    if (normalized !== undefined) setOwn(result, key, normalized)
  }
  return result
}

function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  // Plain assignment would set the prototype.
  if (key === '__proto__') Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  else target[key] = value
}
