import { mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openForwarder, type Forwarder } from './client.ts'

let folder: string
let forwarder: Forwarder
const servers: net.Server[] = []
const sockets: net.Socket[] = []
let losses = 0

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'littoral-forwarder-'))
  losses = 0
  forwarder = openForwarder({ folder, onLost: () => (losses += 1) })
})

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await forwarder.ask('retire', {}).catch(() => {})
  forwarder.close()
  for (const server of servers.splice(0)) server.close()
  rmSync(folder, { recursive: true, force: true })
})

/** A server that greets with its name, then echoes; returns its port. */
async function greeter(name: string): Promise<number> {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.write(name)
    socket.pipe(socket)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as net.AddressInfo).port
}

function connect(port: number, host = '127.0.0.1'): { socket: net.Socket; text: () => string; ended: Promise<string> } {
  const socket = net.connect({ port, host, allowHalfOpen: true })
  sockets.push(socket)
  let text = ''
  const ended = new Promise<string>((resolve) => {
    socket.on('data', (chunk) => (text += chunk.toString()))
    socket.once('end', () => resolve('end'))
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'))
  })
  return { socket, text: () => text, ended }
}

async function until(isTrue: () => boolean): Promise<void> {
  for (const end = Date.now() + 5000; !isTrue(); await new Promise((resolve) => setTimeout(resolve, 5))) {
    if (Date.now() > end) throw new Error('waited 5 s in vain')
  }
}

async function openPort(id: string): Promise<number> {
  return (await forwarder.ask('open', { id, port: 0, fallback: true })).port
}

const pointTo = (id: string, port: number, owner: string) => forwarder.ask('point', { id, target: { host: '127.0.0.1', port, owner } })

test('new connections go to the new instance while old ones stay with the old one until cut', async () => {
  const port = await openPort('web')
  await pointTo('web', await greeter('old'), 'one')
  const old = connect(port)
  await until(() => old.text() === 'old')
  await pointTo('web', await greeter('new'), 'two')
  const fresh = connect(port)
  await until(() => fresh.text() === 'new')
  old.socket.write('!')
  await until(() => old.text() === 'old!')
  expect(await forwarder.ask('drain', { owner: 'one', waitMs: 50 })).toEqual({ connections: 1 })
  expect(await forwarder.ask('cut', { owner: 'one' })).toEqual({ connections: 1 })
  expect(await old.ended).toBe('ECONNRESET')
  fresh.socket.write('?')
  await until(() => fresh.text() === 'new?')
})

test('a drain answers as soon as the last connection ends', async () => {
  const port = await openPort('web')
  await pointTo('web', await greeter('a'), 'one')
  const client = connect(port)
  await until(() => client.text() === 'a')
  const drained = forwarder.ask('drain', { owner: 'one', waitMs: 9000 })
  client.socket.end()
  expect(await drained).toEqual({ connections: 0 })
})

test('a half-closed connection still receives the answer', async () => {
  const port = await openPort('web')
  await pointTo('web', await greeter('hello '), 'one')
  const client = connect(port)
  client.socket.end('and bye')
  expect(await client.ended).toBe('end')
  expect(client.text()).toBe('hello and bye')
})

test('a port on one address leaves the same port of another free, and moves when the address changes', async () => {
  const open = (id: string, address: string, port: number) => forwarder.ask('open', { id, address, port, fallback: false })
  const { port } = await forwarder.ask('open', { id: 'first', address: '127.0.0.61', port: 0, fallback: true })
  await open('second', '127.0.0.62', port)
  await pointTo('first', await greeter('one'), 'one')
  await pointTo('second', await greeter('two'), 'two')
  const [first, second] = [connect(port, '127.0.0.61'), connect(port, '127.0.0.62')]
  await until(() => first.text() === 'one' && second.text() === 'two')
  await open('first', '127.0.0.63', port)
  const moved = connect(port, '127.0.0.63')
  await until(() => moved.text() === 'one')
  expect(await connect(port, '127.0.0.61').ended).toBe('ECONNREFUSED')
  first.socket.write(' goes on')
  await until(() => first.text() === 'one goes on')
  await expect(open('third', '192.0.2.1', port)).rejects.toMatchObject({ failure: { code: 'AddressMissing' } })
})

test('ports and connections survive the agent', async () => {
  const port = await openPort('web')
  await pointTo('web', await greeter('a'), 'one')
  const client = connect(port)
  await until(() => client.text() === 'a')
  forwarder.close()
  forwarder = openForwarder({ folder, onLost: () => {} })
  const { ports } = await forwarder.ask('list', {})
  expect(ports).toMatchObject([{ id: 'web', port, target: { owner: 'one' } }])
  client.socket.write('b')
  await until(() => client.text() === 'ab')
})

test('a taken port is refused by name, or replaced by a free one where that is allowed', async () => {
  const taken = await greeter('x')
  await expect(forwarder.ask('open', { id: 'a', port: taken, fallback: false })).rejects.toMatchObject({ failure: { code: 'PortInUse' } })
  const { port } = await forwarder.ask('open', { id: 'a', port: taken, fallback: true })
  expect(port).not.toBe(taken)
  expect(await forwarder.ask('open', { id: 'a', port: taken, fallback: true })).toEqual({ port })
})

test('a port without an instance resets connections at once', async () => {
  const port = await openPort('web')
  expect(await connect(port).ended).toBe('ECONNRESET')
})

test('a closed port refuses connections', async () => {
  const port = await openPort('web')
  await forwarder.ask('close', { id: 'web' })
  expect(await connect(port).ended).toBe('ECONNREFUSED')
})

test('a connection waits while its instance is not accepting yet', async () => {
  const port = await openPort('web')
  const later = await greeter('late')
  const server = servers.pop()
  await new Promise((resolve) => server?.close(resolve))
  await pointTo('web', later, 'one')
  const client = connect(port)
  await until(() => !client.socket.connecting)
  server?.listen(later, '127.0.0.1')
  await until(() => client.text() !== '')
  expect(client.text()).toBe('late')
  server?.close()
})

test('a forwarder that was killed is reported and started again on the next request', async () => {
  const { pid } = await forwarder.ask('hello', {})
  process.kill(pid, 'SIGKILL')
  await until(() => losses === 1)
  const again = await forwarder.ask('hello', {})
  expect(again.pid).not.toBe(pid)
  expect(await forwarder.ask('list', {})).toEqual({ ports: [] })
})
