// A query as the text and values that SQLite takes.
import type { Compilable, RootOperationNode } from 'kysely'
import { SqliteQueryCompiler, createQueryId } from 'kysely'
import { BoundQuery } from '../prepared.ts'
import type { Value } from './driver.ts'

export interface Compiled {
  readonly sql: string
  readonly params: readonly Value[]
}

const compiler = new SqliteQueryCompiler()

export function compile(query: Compilable): Compiled {
  const { sql, params } = query instanceof BoundQuery ? query.bind(compileTree) : compileTree(query)
  for (const value of params) if (!isValue(value)) throw unfit(value, sql)
  return { sql, params: params as readonly Value[] }
}

function compileTree(query: Compilable): { readonly sql: string; readonly params: readonly unknown[] } {
  const node = (query as unknown as { toOperationNode(): RootOperationNode }).toOperationNode()
  const { sql, parameters } = compiler.compileQuery(node, createQueryId())
  return { sql, params: parameters }
}

function isValue(value: unknown): value is Value {
  switch (typeof value) {
    case 'string':
      // libsql reads text only up to a NUL, and PostgreSQL refuses it.
      return !value.includes('\0')
    case 'number':
    case 'bigint':
      return true
    default:
      return value === null || value instanceof Uint8Array
  }
}

/** Checked here because one driver throws far from the caller and the other ends the process. */
function unfit(value: unknown, sql: string): TypeError {
  const hints = [
    [typeof value === 'boolean', ' (store 0 or 1)'],
    [value instanceof Date, ' (store milliseconds)'],
    [typeof value === 'string', ' with a NUL character in it'],
  ] as const
  const hint = hints.find(([isMeant]) => isMeant)?.[1] ?? ''
  return new TypeError(`A value of type ${typeof value} cannot be stored${hint}, in: ${sql}`)
}
