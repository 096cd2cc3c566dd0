// The catalogue of API errors, and class Fault. This is the only list: code throws `new Fault('AppNotFound')`, and
// nothing else invents codes. Each family's entries stand in their own file under errors/.
import { edgeContainerFaults } from './errors/edge-container.ts'
import { gatewayFaults } from './errors/gateway.ts'
import { iotEdgeFaults } from './errors/iot-edge.ts'
import { littoralFaults } from './errors/littoral.ts'

const catalogue = {
  ...gatewayFaults,
  ...edgeContainerFaults,
  ...iotEdgeFaults,
  ...littoralFaults,
}

export type FaultName = keyof typeof catalogue

/** Values for the `{Name}` places of a message; each is text that may be shown to the caller. */
export type FaultParams = Readonly<Record<string, string>>

/** A fault as plain data, so that it can cross a thread or a socket. */
export interface FaultSpec {
  readonly name: FaultName
  readonly params?: FaultParams
}

/** The catalogue's entry of a fault. */
export function faultEntry(name: FaultName): import('./errors/entry.ts').FaultEntry {
  return catalogue[name]
}

/** Every fault there is, for the reference pages and the tests. */
export function faultNames(): FaultName[] {
  return Object.keys(catalogue) as FaultName[]
}

/** What an operation throws to be answered with an entry of the catalogue; `cause` is logged and never sent. */
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly fault: FaultName
  readonly params: FaultParams
  readonly status: number
  /** The code on the wire, which can differ from the entry's name where one code has several meanings. */
  readonly code: string

  constructor(fault: FaultName, params: FaultParams = {}, options?: { cause?: unknown }) {
    const entry: import('./errors/entry.ts').FaultEntry = catalogue[fault]
    super(fill(entry.message, params), options)
    this.fault = fault
    this.params = params
    this.status = entry.status
    this.code = fill(entry.code ?? fault, params)
  }

  static from(spec: FaultSpec): Fault {
    return new Fault(spec.name, spec.params ?? {})
  }

  toSpec(): FaultSpec {
    return { name: this.fault, params: this.params }
  }
}

function fill(template: string, params: FaultParams): string {
  return template.replace(/\{(\w+)\}/g, (place, key: string) => params[key] ?? place)
}
