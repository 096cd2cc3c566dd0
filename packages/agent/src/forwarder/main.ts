// The forwarder process: keeps a node's ports open while the agent is restarted or upgraded. Started by client.ts with the
// path of its control socket; ends by itself when it is of no use any more.
import { rmSync } from 'node:fs'
import net from 'node:net'
import { openControl } from './control.ts'

const socketPath = process.argv[2]
if (socketPath === undefined) throw new Error('usage: main <control socket>')

/** A socket file that nobody answers on was left by a forwarder that was killed. */
async function removeStaleSocket(path: string): Promise<void> {
  const isAlive = await new Promise<boolean>((resolve) => {
    const socket = net.connect(path)
    socket.once('connect', () => (socket.destroy(), resolve(true)))
    socket.once('error', () => resolve(false))
  })
  if (isAlive) process.exit(0)
  rmSync(path, { force: true })
}

// A terminal's Ctrl-C and a closed session must not end it; TERM does.
for (const signal of ['SIGINT', 'SIGHUP', 'SIGPIPE'] as const) process.on(signal, () => {})
await removeStaleSocket(socketPath)
process.umask(0o177)
await openControl({ socketPath, idleMs: 10_000, onUseless: () => process.exit(0) })
