// Opens the server's port, and says in one sentence why it cannot be opened. Used by server.ts.
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { StartupError } from './store/startup-error.ts'

/** Listens and returns the address as a client would write it; throws StartupError. */
export async function listen(app: FastifyInstance, { host, port }: { host: string; port: number }): Promise<string> {
  try {
    // Fastify would open a second server for the other address of localhost, without our answers to broken requests, and
    // one that a stop waits for without end.
    await app.listen({ host: host === 'localhost' ? '127.0.0.1' : host, port })
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    const reasons: Readonly<Record<string, string>> = {
      EADDRINUSE: `Port ${port} on ${host} is in use by another program; stop it or set LITTORAL_LISTEN to another port.`,
      EACCES: `Port ${port} on ${host} may not be opened by this user; set LITTORAL_LISTEN to a port above 1023.`,
      EADDRNOTAVAIL: `This machine has no address ${host}; set LITTORAL_LISTEN to one that it has.`,
      ENOTFOUND: `The host name ${host} is unknown; set LITTORAL_LISTEN to an address of this machine.`,
    }
    const reason = reasons[code]
    if (reason === undefined) throw error
    throw new StartupError(reason, { cause: error })
  }
  const bound = app.server.address() as AddressInfo
  const name = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address
  return `http://${name}:${bound.port}`
}
