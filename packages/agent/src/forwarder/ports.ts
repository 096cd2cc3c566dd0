// The listening ports of a node and the connections through them. Runs inside the forwarder process.
//
// 1. A port belongs to the node: which instance it leads to can change at any time without closing it.
// 2. A connection stays with the instance it was made to, until one side ends it or it is cut.
// 3. Half-closed connections keep working, and a reset on one side is a reset on the other.
import net from 'node:net'
import { Connections } from './connections.ts'
import type { Ask, ForwardedPort, ForwarderFailure, Target } from './protocol.ts'

/** How long a new connection waits for an instance that does not accept yet, such as one being restarted. */
const connectWindowMs = 1000
const connectRetryMs = 25
const maxConnectionsPerPort = 10_000

interface OpenPort {
  id: string
  address: string | undefined
  port: number
  target: Target | undefined
  server: net.Server
}

/** An answer that tells the agent what is wrong with its request. */
export class ForwarderError extends Error {
  override readonly name = 'ForwarderError'
  readonly failure: ForwarderFailure
  constructor(failure: ForwarderFailure) {
    super(failure.message)
    this.failure = failure
  }
}

export interface Ports {
  readonly connections: Connections
  open(ask: Ask<'open'>): Promise<number>
  point(id: string, target: Target | undefined): void
  close(id: string): void
  list(): ForwardedPort[]
}

export function openPorts(): Ports {
  const ports = new Map<string, OpenPort>()
  const connections = new Connections()
  return {
    connections,
    async open(ask) {
      const known = ports.get(ask.id)
      if (known !== undefined && known.address === ask.address) return known.port
      // All addresses and one of them exclude each other on one port, so the old one goes first.
      known?.server.close()
      ports.delete(ask.id)
      const { server, port } = await listenSomewhere(ask, (client) => void forward(client, () => entry.target, connections))
      const entry: OpenPort = { id: ask.id, address: ask.address, port, target: known?.target, server }
      ports.set(ask.id, entry)
      return port
    },
    point(id, target) {
      const entry = ports.get(id)
      if (entry === undefined) throw new ForwarderError({ code: 'UnknownPort', message: `${id} is not open` })
      entry.target = target
    },
    close(id) {
      // This stops listening at once; its callback would wait for the last connection.
      ports.get(id)?.server.close()
      ports.delete(id)
    },
    list: () =>
      [...ports.values()].map(({ id, address, port, target }) => {
        return { id, port, ...(address === undefined ? {} : { address }), ...(target === undefined ? {} : { target }) }
      }),
  }
}

async function forward(client: net.Socket, target: () => Target | undefined, connections: Connections): Promise<void> {
  client.setNoDelay(true)
  client.setKeepAlive(true, 60_000)
  client.on('error', () => client.destroy())
  const reached = await reach(client, target)
  if (reached === undefined) {
    client.resetAndDestroy()
    return
  }
  const { upstream, owner } = reached
  if (client.destroyed) {
    upstream.destroy()
    return
  }
  connections.add({ owner, client, upstream })
  join(client, upstream)
  join(upstream, client)
}

/** Bytes and the end of `from` go to `to`; a failure of `from` resets `to`. */
function join(from: net.Socket, to: net.Socket): void {
  from.pipe(to)
  from.once('error', () => to.resetAndDestroy())
  from.once('close', () => {
    if (!from.readableEnded) to.destroy()
  })
}

/** Connects to the target of the moment; tries again for a while, looking up the target each time. */
async function reach(client: net.Socket, target: () => Target | undefined): Promise<{ upstream: net.Socket; owner: string } | undefined> {
  for (const end = performance.now() + connectWindowMs; ;) {
    const to = target()
    if (to === undefined || client.destroyed) return undefined
    const upstream = await connect(to)
    if (upstream !== undefined) return { upstream, owner: to.owner }
    if (performance.now() + connectRetryMs > end) return undefined
    await new Promise((resolve) => setTimeout(resolve, connectRetryMs))
  }
}

function connect(to: Target): Promise<net.Socket | undefined> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: to.host, port: to.port, noDelay: true, allowHalfOpen: true })
    const timer = setTimeout(() => fail(), connectWindowMs)
    const fail = () => {
      clearTimeout(timer)
      socket.destroy()
      resolve(undefined)
    }
    socket.once('error', fail)
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.off('error', fail)
      socket.on('error', () => socket.destroy())
      socket.setKeepAlive(true, 60_000)
      resolve(socket)
    })
  })
}

type Accept = (client: net.Socket) => void

async function listenSomewhere(
  ask: Pick<Ask<'open'>, 'address' | 'port' | 'fallback' | 'preferred'>,
  accept: Accept,
): Promise<{ server: net.Server; port: number }> {
  // Never the asked one where another will do: it belongs to production, which may come to this node later. One that was
  // handed out before is tried first, so that the address survives a restart of this process.
  const candidates = ask.fallback ? [ask.preferred ?? 0, 0] : [ask.port]
  let failure: NodeJS.ErrnoException | undefined
  for (const port of candidates) {
    try {
      const server = await (ask.address === undefined ? listen(port, accept) : listenOn(ask.address, port, accept))
      return { server, port: (server.address() as net.AddressInfo).port }
    } catch (error) {
      failure = error as NodeJS.ErrnoException
    }
  }
  const isTaken = failure?.code === 'EADDRINUSE'
  const isForbidden = failure?.code === 'EACCES' || failure?.code === 'EPERM'
  if (failure?.code === 'EADDRNOTAVAIL')
    throw new ForwarderError({ code: 'AddressMissing', message: `${ask.address} is no address of this machine` })
  const code = isTaken ? 'PortInUse' : isForbidden ? 'PortForbidden' : 'ForwarderFailed'
  const why = isTaken ? 'is taken by another program' : isForbidden ? 'may not be opened by this user' : String(failure?.message)
  throw new ForwarderError({ code, message: `port ${ask.port} of the node ${why}` })
}

async function listen(port: number, accept: Accept): Promise<net.Server> {
  try {
    return await listenOn('::', port, accept)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL') throw error
    return listenOn('0.0.0.0', port, accept)
  }
}

function listenOn(host: string, port: number, accept: Accept): Promise<net.Server> {
  return new Promise((resolve, reject) => {
    // Paused until the instance is reached: a client's first bytes wait in the kernel.
    const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: false, noDelay: true }, accept)
    server.maxConnections = maxConnectionsPerPort
    server.once('error', reject)
    server.listen({ host, port, backlog: 1024 }, () => {
      server.off('error', reject)
      server.on('error', () => {})
      resolve(server)
    })
  })
}
