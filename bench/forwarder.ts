// Compares the ways to make a container's port reachable on the node: straight to the container, the engine's own
// published port (kernel DNAT on the host's address, the engine's proxy process on loopback), and our forwarder process.
// docs/decisions/0003-node-ports.md holds the numbers. Run: npx tsx bench/forwarder.ts
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openForwarder } from '../packages/agent/src/forwarder/client.ts'
import { openEngine } from '../packages/agent/src/runtime/engine/client/connection.ts'
import {
  addressOf,
  createContainer,
  getContainer,
  removeContainer,
  startContainer,
} from '../packages/agent/src/runtime/engine/client/containers.ts'
import { ensureEngine } from '../tools/engine.ts'
import { busyboxFiles, makeImage } from '../tools/sample-image.ts'

const megabytes = Number(process.argv[2] ?? 1024)
const short = Number(process.argv[3] ?? 300)
const pings = 3000

interface Way {
  name: string
  host: string
  http: number
  echo: number
  pid?: number
}

const serve = `dd if=/dev/zero of=/www/big bs=1M count=${megabytes} 2>/dev/null; nc -ll -p 7 -e cat & exec httpd -f -p 80 -h /www\n`
const handle = await ensureEngine()
const engine = await openEngine({ socketPath: handle.socketPath })
const folder = mkdtempSync(join(tmpdir(), 'littoral-bench-'))
const forwarder = openForwarder({ folder, onLost: () => {} })
let containerId: string | undefined
try {
  await makeImage(handle.socketPath, {
    tags: ['docker.io/library/littoral-bench:1'],
    files: [
      { path: 'serve', content: Buffer.from(serve) },
      { path: 'www/' },
      { path: 'www/small', content: Buffer.from('ok\n') },
      ...busyboxFiles(),
    ],
    entrypoint: ['/bin/sh', '/serve'],
    env: ['PATH=/bin'],
  })
  const publish = { '80/tcp': [{ HostPort: '' }], '7/tcp': [{ HostPort: '' }] }
  containerId = await createContainer(engine, `littoral-bench-${process.pid}`, {
    Image: 'docker.io/library/littoral-bench:1',
    Labels: {},
    ExposedPorts: { '80/tcp': {}, '7/tcp': {} },
    HostConfig: { RestartPolicy: { Name: 'no' }, PortBindings: publish },
  })
  await startContainer(engine, containerId)
  const details = await getContainer(engine, containerId)
  const address = addressOf(details) ?? ''
  const gateway = details.NetworkSettings.Networks?.bridge?.Gateway ?? '172.17.0.1'
  const published = (port: string) => Number(details.NetworkSettings.Ports?.[port]?.[0]?.HostPort)
  const [http, echo] = await Promise.all([forward('http', 80, address), forward('echo', 7, address)])
  const { pid } = await forwarder.ask('hello', {})
  const ways: Way[] = [
    { name: 'straight to the container', host: address, http: 80, echo: 7 },
    { name: 'kernel DNAT', host: gateway, http: published('80/tcp'), echo: published('7/tcp') },
    { name: "engine's proxy", host: '127.0.0.1', http: published('80/tcp'), echo: published('7/tcp') },
    { name: 'forwarder process', host: '127.0.0.1', http, echo, pid },
  ]
  await until(async () => (await get(ways[0]!, '/small')) === 3)
  console.log(`${megabytes} MB in one connection; ${pings} round trips of 64 bytes; ${short} connections with one request each\n`)
  console.log(
    '| way | MB/s | CPU s per GB (machine) | forwarder CPU s per GB | round trip p50 / p99 | new connection p50 / p99 |\n|---|---|---|---|---|---|',
  )
  for (const way of ways) console.log(await measure(way))
  console.log(
    `\nforwarder: ${/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]} kB RSS, ${/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]} kB of it private`,
  )
} finally {
  if (containerId !== undefined) await removeContainer(engine, containerId)
  await forwarder.ask('retire', {}).catch(() => {})
  forwarder.close()
  engine.close()
  rmSync(folder, { recursive: true, force: true })
  await handle.stop()
}

async function forward(id: string, port: number, host: string): Promise<number> {
  const opened = await forwarder.ask('open', { id, port: 0, fallback: true })
  await forwarder.ask('point', { id, target: { host, port, owner: 'bench' } })
  return opened.port
}

async function measure(way: Way): Promise<string> {
  await get(way, '/big')
  const [machine, own] = [machineCpu(), processCpu(way.pid)]
  const startedAt = performance.now()
  const bytes = await get(way, '/big')
  const seconds = (performance.now() - startedAt) / 1000
  const gigabytes = bytes / 1e9
  const cpu = ((machineCpu() - machine) / gigabytes).toFixed(2)
  const ownCpu = way.pid === undefined ? '–' : ((processCpu(way.pid) - own) / gigabytes).toFixed(2)
  const roundTrips = await ping(way)
  const connections: number[] = []
  for (let index = 0; index < short; index += 1) connections.push(await timed(() => get(way, '/small')))
  return `| ${way.name} | ${(bytes / 1e6 / seconds).toFixed(0)} | ${cpu} | ${ownCpu} | ${quantiles(roundTrips)} | ${quantiles(connections)} |`
}

/** Bytes of the body of a GET on a connection of its own. */
function get(way: Way, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: way.host, port: way.http, noDelay: true })
    let [bytes, isBody] = [0, false]
    socket.on('data', (chunk) => {
      const head = isBody ? -1 : chunk.indexOf('\r\n\r\n')
      bytes += isBody ? chunk.length : head < 0 ? 0 : chunk.length - head - 4
      isBody ||= head >= 0
    })
    socket.once('end', () => resolve(bytes))
    socket.once('error', reject)
    socket.write(`GET ${path} HTTP/1.0\r\n\r\n`)
  })
}

async function ping(way: Way): Promise<number[]> {
  const socket = net.connect({ host: way.host, port: way.echo, noDelay: true })
  const message = Buffer.alloc(64)
  const times: number[] = []
  for (let index = 0; index < pings; index += 1) {
    times.push(
      await timed(
        () =>
          new Promise<void>((resolve) => {
            let left = message.length
            const onChunk = (chunk: Buffer) => {
              left -= chunk.length
              if (left > 0) return
              socket.off('data', onChunk)
              resolve()
            }
            socket.on('data', onChunk)
            socket.write(message)
          }),
      ),
    )
  }
  socket.destroy()
  return times.slice(200)
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

function quantiles(times: number[]): string {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(2)
  return `${at(0.5)} / ${at(0.99)} ms`
}

/** Seconds all processors were busy since boot, and seconds one process used. */
function machineCpu(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '')
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number)
  return (user + nice + system + irq + softirq) / 100
}

function processCpu(pid: number | undefined): number {
  if (pid === undefined) return 0
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 50))) {
    if (await isTrue().catch(() => false)) return
  }
  throw new Error('the container did not answer')
}
