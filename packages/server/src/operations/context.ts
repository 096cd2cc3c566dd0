// What a handler gets beside its input. Built once per request by http/rpc.ts from the services of server.ts.
import type { CallRequest, LogsRequest } from '@littoral/contract/node/stream'
import type { PackagedDriver } from '../domain/driver-package.ts'
import type { Settings } from '../domain/settings.ts'
import type { SecretBox } from '../store/secret-box.ts'
import type { Store } from '../store/store.ts'

/** Who is calling; users and roles come with identity. */
export interface Principal {
  readonly accountId: string
  readonly accessKeyId: string
  readonly kind: 'root'
}

/** Fresh identifiers; the only source of randomness a handler has. */
export interface Ids {
  /** Decimal digits, the first one not 0: `digits(18)` after `app-`. */
  digits(count: number): string
  /** 18 digits that grow with the time: rows by such a key are written side by side. */
  growing(nowMs: number): string
  /** Lower-case hexadecimal. */
  hex(count: number): string
  /** Upper-case hexadecimal UUID. */
  uuid(): string
  /** Letters and digits of both cases. */
  letters(count: number): string
}

/** Streams from nodes, for handlers that pass them on. */
export interface NodeStreams {
  /**
   * The last lines of a workload on a node, oldest first; throws `NodeUnreachable` (an Error with that `code`) when the
   * node has no socket here or does not answer in time.
   */
  readLogs(nodeId: string, request: LogsRequest, timeoutMs: number): Promise<string[]>
  /**
   * The answer of a device behind a node, as JSON text of {code, message, data}; throws an Error with a `code`: NodeUnreachable,
   * DeviceOffline, CallTimeout, CallFailed.
   */
  callDevice(nodeId: string, request: CallRequest): Promise<string>
  /** Makes a node try at once what waits for its next attempt; false when nothing waited. Throws as readLogs does. */
  retry(nodeId: string, key: string, timeoutMs: number): Promise<boolean>
}

/** The object store for driver packages and config files. */
export interface Objects {
  /** Plain address of an object key, as it is put into SourceConfig; `origin` is the caller's own scheme://host:port. */
  address(origin: string, key: string): string
  /** Address that may be PUT (or GET) until `expiresAtMs`, without further credentials. */
  presign(origin: string, method: 'PUT' | 'GET', key: string, expiresAtMs: number): string
  /** The object key of an address of this store, or undefined when the address is somebody else's. */
  keyOf(address: string): string | undefined
  /** Size and digest of an object that is completely stored. */
  find(key: string): Promise<{ sizeBytes: number; sha256: string } | undefined>
  /** A small object as text; undefined when absent. */
  text(key: string): Promise<string | undefined>
  /** What an object is as a driver's code, with the reason why it cannot be started, if there is one. */
  inspect(key: string, driver: PackagedDriver): Promise<{ sizeBytes: number; sha256: string; problem?: string } | undefined>
}

/** One version of the agent that nodes can be given. */
export interface AgentBundle {
  readonly version: string
  readonly sha256: string
  readonly sizeBytes: number
  /** It is the version of this server. */
  readonly isOwn: boolean
  readonly path: string
}

export interface AgentBundles {
  /** Every version there is now, newest first. */
  list(): Promise<AgentBundle[]>
}

export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What every request of one server process shares. */
export interface Services {
  readonly store: Store
  readonly now: () => number
  readonly ids: Ids
  readonly log: Log
  readonly settings: Settings
  readonly nodes: NodeStreams
  readonly objects: Objects
  readonly agents: AgentBundles
  /** Seals what must be readable again, before it is stored. */
  readonly box: SecretBox
}

export interface Context extends Services {
  readonly principal: Principal
  readonly requestId: string
  /** scheme://host:port as the caller reached us, for addresses in answers. */
  readonly origin: string
}
