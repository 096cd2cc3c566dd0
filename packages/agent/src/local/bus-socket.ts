// Listening at the socket of a bus.
import { chmod, open, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { busSocketName } from '../packages/local-door.ts'

export interface Listening {
  /** Ends every connection too. */
  close(): Promise<void>
}

const askTimeoutMs = 1000

/** Makes the socket in a folder, in place of one that an earlier agent left. */
export async function listenIn(folder: string, accept: (socket: Socket) => void, log: (line: string) => void): Promise<Listening> {
  const path = join(folder, busSocketName)
  await rm(path, { force: true })
  const handle = await open(folder, 'r')
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => sockets.delete(socket))
    accept(socket)
  })
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      // A path to a socket may have 107 bytes and a data folder is often deeper; Linux can name the folder by its open file.
      server.listen(process.platform === 'linux' ? `/proc/self/fd/${handle.fd}/${busSocketName}` : path, () => resolve())
    })
    server.on('error', (error) => log(`the bus at ${path}: ${error.message}`))
    // Who reaches the folder may speak: drivers run as other users.
    await chmod(path, 0o666)
  } catch (error) {
    server.close()
    await handle.close()
    throw error
  }
  return {
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await closed
      await handle.close()
    },
  }
}

/** A socket at which somebody answers is not ours to replace. Throws. */
export async function refuseTaken(folder: string): Promise<void> {
  const isTaken = await new Promise<boolean>((resolve) => {
    const socket = connect(join(folder, busSocketName))
    socket.setTimeout(askTimeoutMs, () => socket.destroy())
    socket.once('connect', () => {
      resolve(true)
      socket.destroy()
    })
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
  })
  if (isTaken) throw new Error('another agent offers it')
}
