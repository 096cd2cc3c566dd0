// Listening at the socket of a bus.
import { chmodSync, closeSync, openSync, rmSync } from 'node:fs'
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
  rmSync(path, { force: true })
  const handle = openSync(folder, 'r')
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
      server.listen(process.platform === 'linux' ? `/proc/self/fd/${handle}/${busSocketName}` : path, () => resolve())
    })
    server.on('error', (error) => log(`the bus at ${path}: ${error.message}`))
    // Who reaches the folder may speak: drivers run as other users.
    chmodSync(path, 0o666)
  } catch (error) {
    server.close()
    closeSync(handle)
    throw error
  }
  const end = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const socket of sockets) socket.destroy()
    await closed
    closeSync(handle)
  }
  let ended: Promise<void> | undefined
  // Once: its number may be another file's by the second time.
  return { close: () => (ended ??= end()) }
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
