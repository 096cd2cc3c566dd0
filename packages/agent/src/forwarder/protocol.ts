// What the agent and the forwarder process say to each other: one JSON object per line over a unix socket, requests
// numbered by the agent, one answer each. docs/decisions/0003-node-ports.md says why it is a process of its own.

/** Raised when a forwarder left by an older agent could not be understood any more; that one is then retired. */
export const forwarderProtocol = 2

/** A port of the node, as the forwarder keeps it. `id` is the agent's name for it, stable over its restarts. */
export interface ForwardedPort {
  id: string
  /** The only address it is open on; all of the machine's when absent. */
  address?: string
  port: number
  target?: Target
}

export interface Target {
  host: string
  port: number
  /** The instance behind it; connections are counted and cut by it. */
  owner: string
}

export interface Requests {
  /** Which protocol the other side speaks, and its process id. */
  hello: { ask: Record<string, never>; answer: { protocol: number; pid: number } }
  /** Listens on `port`; with `fallback` on any free one. Opening again an open id is fine; on another address it moves there. */
  open: { ask: { id: string; address?: string; port: number; fallback: boolean; preferred?: number }; answer: { port: number } }
  /** New connections go to the target from now on; existing ones stay where they are. */
  point: { ask: { id: string; target: Target | null }; answer: Record<string, never> }
  /** Stops listening; existing connections stay. */
  close: { ask: { id: string }; answer: Record<string, never> }
  list: { ask: Record<string, never>; answer: { ports: ForwardedPort[] } }
  /** Answers once no connection to the owner is open, or after the wait, with how many are left. */
  drain: { ask: { owner: string; waitMs: number }; answer: { connections: number } }
  /** Ends every connection to the owner. */
  cut: { ask: { owner: string }; answer: { connections: number } }
  /** Stops listening everywhere and exits once the last connection is gone. */
  retire: { ask: Record<string, never>; answer: Record<string, never> }
}

export type RequestKind = keyof Requests
export type Ask<K extends RequestKind> = Requests[K]['ask']
export type Answer<K extends RequestKind> = Requests[K]['answer']

/** PortInUse, PortForbidden, AddressMissing, or UnknownPort for an id that is not open. */
export interface ForwarderFailure {
  code: 'PortInUse' | 'PortForbidden' | 'AddressMissing' | 'UnknownPort' | 'ForwarderFailed'
  message: string
}

export type RequestFrame = { [K in RequestKind]: { number: number; kind: K; ask: Ask<K> } }[RequestKind]
export type AnswerFrame = { number: number; answer: unknown } | { number: number; failure: ForwarderFailure }

/** Splits a byte stream into parsed lines; a line that is too long or no JSON ends the connection through `onBroken`. */
export function readLines(onLine: (value: unknown) => void, onBroken: (error: Error) => void): (chunk: Buffer) => void {
  let rest = ''
  return (chunk) => {
    const lines = (rest + chunk.toString('utf8')).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > 1_000_000) return onBroken(new Error('a control message is too long'))
    for (const line of lines) {
      let value: unknown
      try {
        value = JSON.parse(line)
      } catch {
        return onBroken(new Error('a control message is not JSON'))
      }
      onLine(value)
    }
  }
}
