// The network cable between one node and the server, for tests: a relay on a loopback port that can be cut. While it is
// cut, what was connected is gone and nothing new gets through, as when somebody pulls the plug.
import net from 'node:net'

export interface Cable {
  /** Where the node dials instead of the server. */
  readonly url: string
  cut(): void
  mend(): void
  close(): Promise<void>
}

export async function openCable(serverUrl: string): Promise<Cable> {
  const { hostname, port } = new URL(serverUrl)
  const ends = new Set<net.Socket>()
  let isCut = false
  const drop = () => {
    for (const end of ends) end.destroy()
  }
  const join = (from: net.Socket, to: net.Socket) => {
    ends.add(from)
    from.pipe(to)
    from.on('error', () => from.destroy())
    from.once('close', () => {
      ends.delete(from)
      to.destroy()
    })
  }
  const relay = net.createServer((near) => {
    if (isCut) return near.destroy()
    const far = net.connect({ host: hostname, port: Number(port) })
    join(near, far)
    join(far, near)
  })
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(relay.address() as net.AddressInfo).port}`,
    cut() {
      isCut = true
      drop()
    },
    mend() {
      isCut = false
    },
    async close() {
      drop()
      await new Promise((resolve) => relay.close(resolve))
    },
  }
}
