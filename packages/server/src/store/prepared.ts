// Queries of the hot paths, built and compiled once instead of on every call. Building and compiling one costs 5 to 10 µs
// of the only thread that serves requests, several times what running it costs there.
import type { Compilable, CompiledQuery, OperationNode } from 'kysely'

/** Stands for a value while a query is compiled once. */
class Place {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/** The text of a prepared query, and where its values come from; made by the compiler of the database in use. */
interface Template {
  readonly sql: string
  readonly values: readonly unknown[]
}

type Compile = (query: Compilable) => { readonly sql: string; readonly params: readonly unknown[] }

/** What a prepared query makes of its values. A store that knows this class takes the short way, bind(). */
export class BoundQuery<Row> implements Compilable<Row> {
  readonly #prepared: Prepared<never, Row>
  readonly #values: object

  constructor(prepared: Prepared<never, Row>, values: object) {
    this.#prepared = prepared
    this.#values = values
  }

  compile(): CompiledQuery<Row> {
    return this.#prepared.build(this.#values as never).compile()
  }

  toOperationNode(): OperationNode {
    return (this.#prepared.build(this.#values as never) as unknown as { toOperationNode(): OperationNode }).toOperationNode()
  }

  bind(compile: Compile): { readonly sql: string; readonly params: unknown[] } {
    const { sql, values } = this.#prepared.template(compile)
    const given = this.#values as Record<string, unknown>
    return { sql, params: values.map((value) => (value instanceof Place ? given[value.name] : value)) }
  }
}

class Prepared<P extends object, Row> {
  readonly build: (params: P) => Compilable<Row>
  #compile: Compile | undefined
  #template: Template | undefined

  constructor(build: (params: P) => Compilable<Row>) {
    this.build = build
  }

  template(compile: Compile): Template {
    if (this.#template && this.#compile === compile) return this.#template
    const places = new Proxy({}, { get: (_, name) => new Place(String(name)) }) as P
    const { sql, params } = compile(this.build(places))
    this.#compile = compile
    this.#template = { sql, values: params }
    return this.#template
  }
}

/**
 * Prepares a query. The function is given places instead of values, so it must only pass them on: no condition, no
 * arithmetic and no list of varying length may depend on one.
 */
export function prepared<P extends object, Row>(build: (params: P) => Compilable<Row>): (values: P) => Compilable<Row> {
  const query = new Prepared(build)
  return (values) => new BoundQuery(query as unknown as Prepared<never, Row>, values)
}
