// The forwarder's end of its control socket: reads requests, lets Ports do them, answers. Also decides when the process
// is of no use any more: nobody connected and no port open, or its socket's file gone.
import { existsSync } from 'node:fs'
import net from 'node:net'
import { openPorts, ForwarderError, type Ports } from './ports.ts'
import { forwarderProtocol, readLines, type Answer, type AnswerFrame, type Ask, type RequestFrame, type RequestKind } from './protocol.ts'

export interface ControlOptions {
  socketPath: string
  /** How long to stay without a port and without an agent. */
  idleMs: number
  onUseless: () => void
}

type Executors = { [K in RequestKind]: (ask: Ask<K>) => Answer<K> | Promise<Answer<K>> }

/** Listens on the control socket. Throws EADDRINUSE when another forwarder has it. */
export async function openControl(options: ControlOptions): Promise<{ close(): void }> {
  const ports = openPorts()
  const agents = new Set<net.Socket>()
  let isRetired = false
  const executors = executorsFor(ports, () => {
    isRetired = true
  })
  const server = net.createServer((agent) => {
    agents.add(agent)
    agent.once('close', () => agents.delete(agent))
    agent.on('error', () => agent.destroy())
    const onLine = (frame: unknown) => void answer(executors, frame as RequestFrame).then((text) => agent.writable && agent.write(text))
    agent.on(
      'data',
      readLines(onLine, () => agent.destroy()),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.socketPath, resolve)
  })
  let uselessSince = performance.now()
  const timer = setInterval(
    () => {
      const isOrphan = !existsSync(options.socketPath) && !isRetired
      const isIdle = (ports.list().length === 0 && agents.size === 0) || isRetired
      if (!isIdle || ports.connections.count() > 0) uselessSince = performance.now()
      const waitMs = isRetired ? 0 : options.idleMs
      if (isOrphan || (isIdle && ports.connections.count() === 0 && performance.now() - uselessSince >= waitMs)) options.onUseless()
    },
    Math.min(options.idleMs, 1000),
  )
  return {
    close() {
      clearInterval(timer)
      server.close()
      for (const agent of agents) agent.destroy()
    },
  }
}

function executorsFor(ports: Ports, onRetire: () => void): Executors {
  const closeAll = () => {
    for (const { id } of ports.list()) ports.close(id)
  }
  return {
    hello: () => ({ protocol: forwarderProtocol, pid: process.pid }),
    open: async (ask) => ({ port: await ports.open(ask) }),
    point: (ask) => (ports.point(ask.id, ask.target ?? undefined), {}),
    close: (ask) => (ports.close(ask.id), {}),
    list: () => ({ ports: ports.list() }),
    drain: async (ask) => ({ connections: await ports.connections.drain(ask.owner, ask.waitMs) }),
    cut: (ask) => ({ connections: ports.connections.cut(ask.owner) }),
    retire: () => (closeAll(), onRetire(), {}),
  }
}

async function answer(executors: Executors, frame: RequestFrame): Promise<string> {
  let reply: AnswerFrame
  try {
    const execute = executors[frame.kind] as ((ask: unknown) => unknown) | undefined
    if (execute === undefined) throw new Error(`unknown request ${String(frame.kind)}`)
    reply = { number: frame.number, answer: await execute(frame.ask) }
  } catch (error) {
    const failure =
      error instanceof ForwarderError
        ? error.failure
        : { code: 'ForwarderFailed' as const, message: error instanceof Error ? error.message : String(error) }
    reply = { number: frame.number, failure }
  }
  return `${JSON.stringify(reply)}\n`
}
