// From the call that deploys to the moment when every driver has said that it runs, as a ratio to starting the same processes
// directly: the same interpreter, script, user and number at once. Every round brings new packages, so each is downloaded and
// unpacked. Started directly they have no control group and no view of the files, and nobody checks or keeps them; a second
// line, without a goal, has the ratio to processes that are not even users of their own. All ways take turns.
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { openTestServer } from '../test/test-server.ts'
import { createDriver, createInstance, registerGateway, releaseDriverVersion, throwing } from '../tools/journey/driver.ts'
import { zipOf } from '../tools/journey/sample-driver.ts'
import { until } from '../tools/journey/wait.ts'
import { sdkCall, type Call } from '../tools/official-clients.ts'
import { startPeer, type Peer } from './processes.ts'
import { median, spread, type Line } from './report.ts'

const timeoutMs = 60_000
const goal = { kind: 'at most', value: 1.5 } as const

/** Hears drivers say that they run: each connects once and sends its name. */
class Ear {
  readonly #heard = new Set<string>()
  readonly #server: Server
  #onHeard: () => void = () => {}

  constructor() {
    this.#server = createServer((socket) => {
      let name = ''
      socket.on('data', (chunk) => (name += chunk.toString('utf8')))
      socket.on('error', () => {})
      socket.on('end', () => {
        this.#heard.add(name)
        this.#onHeard()
      })
    })
  }

  async open(): Promise<number> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return (this.#server.address() as { port: number }).port
  }

  /** Milliseconds until so many have spoken, from the start of `begin`. */
  async time(count: number, begin: () => Promise<unknown>): Promise<number> {
    this.#heard.clear()
    const startedAt = performance.now()
    let timer: NodeJS.Timeout | undefined
    const all = new Promise<number>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`${this.#heard.size} of ${count} drivers ran within ${timeoutMs} ms`)), timeoutMs)
      this.#onHeard = () => {
        if (this.#heard.size === count) resolve(performance.now() - startedAt)
      }
    })
    try {
      await begin()
      return await all
    } finally {
      clearTimeout(timer)
      this.#onHeard = () => {}
    }
  }

  close(): void {
    this.#server.close()
  }
}

/** What a driver is here; `mark` makes each package another one. */
const scriptOf = (port: number, mark: string) => `// ${mark}
require('node:net').connect(${port}, '127.0.0.1').end(process.env.FUNCTION_NAME)
setInterval(() => {}, 2 ** 30)
exports.handler = () => {}
`

interface Direct {
  readonly names: readonly string[]
  readonly port: number
  readonly hasUsers: boolean
}

async function direct(ear: Ear, node: Peer, { names, port, hasUsers }: Direct): Promise<number> {
  try {
    return await ear.time(names.length, () => node.ask('start', { names, script: scriptOf(port, 'direct'), hasUsers }))
  } finally {
    await node.ask('end')
  }
}

interface Deployed {
  readonly call: Call
  readonly instanceId: string
  readonly driverIds: ReadonlyMap<string, string>
}

async function ended({ call, instanceId }: Deployed, jobId: unknown): Promise<void> {
  const job = await until('the end of the job', timeoutMs, async () => {
    const { Data } = await call('GetEdgeInstanceDeployment', { InstanceId: instanceId, DeploymentId: jobId })
    return (Data as { Status: number }).Status >= 2 ? (Data as { Status: number }) : undefined
  })
  if (job.Status !== 2) throw new Error('the job failed')
}

/** Until all run, and until the job says so; then everything is taken off again. */
async function deployed(ear: Ear, at: Deployed, { port, round }: { port: number; round: number }) {
  const { call, instanceId, driverIds } = at
  const version = `1.0.${round}`
  for (const [name, driverId] of driverIds) {
    const zip = await zipOf({ 'index.js': scriptOf(port, `${name} ${version}`) })
    await releaseDriverVersion(call, { driverId, version, fileName: 'code.zip', zip })
    await call('BindDriverToEdgeInstance', { InstanceId: instanceId, DriverId: driverId, DriverVersion: version })
  }
  let id: unknown
  const startedAt = performance.now()
  const runMs = await ear.time(driverIds.size, async () => {
    id = (await call('CreateEdgeInstanceDeployment', { InstanceId: instanceId, Type: 'deploy' }))['DeploymentId']
  })
  await ended(at, id)
  const saidMs = performance.now() - startedAt
  await ended(at, (await call('CreateEdgeInstanceDeployment', { InstanceId: instanceId, Type: 'reset' }))['DeploymentId'])
  return { runMs, saidMs }
}

interface Round {
  readonly bareMs: number
  readonly directMs: number
  readonly runMs: number
  readonly saidMs: number
}

/** The first round warms all ways up and is not counted. */
async function timed(rounds: number, once: (round: number) => Promise<Round>): Promise<Round[]> {
  const all: Round[] = []
  for (let round = 0; round <= rounds; round += 1) all.push(await once(round))
  return all.slice(1)
}

function linesOf(count: number, rounds: readonly Round[]): Line[] {
  const of = (name: keyof Round) => rounds.map((round) => round[name])
  const to = (name: 'directMs' | 'bareMs') => median(rounds.map((round) => round.runMs / round[name]))
  const what = `deployment until ${count === 1 ? 'a driver runs' : `${count} drivers run`}`
  const measured = `${spread(of('runMs'), 0)} ms, directly ${spread(of('directMs'), 0)} ms; the job says so after ${median(of('saidMs')).toFixed(0)} ms`
  return [
    { name: `${what}, to starting them directly`, measured, value: to('directMs'), goal },
    { name: `${what}, to starting them without users`, measured: `without users ${spread(of('bareMs'), 0)} ms`, value: to('bareMs') },
  ]
}

async function benchCount(count: number, rounds: number): Promise<Line[]> {
  const ear = new Ear()
  const port = await ear.open()
  const node = startPeer('./driver-node.ts')
  const server = await openTestServer({ env: { LITTORAL_LIMIT_VERSIONS_PER_DRIVER: '1000' } })
  try {
    const call = throwing(sdkCall('@alicloud/iot20180120', server.url, server.key))
    const gateway = await registerGateway(call, { product: 'gateways', device: 'gateway-1' })
    await node.ask('open', { url: server.url, gateway })
    const names = Array.from({ length: count }, (_, index) => `driver_${index}`)
    const driverIds = new Map<string, string>()
    for (const name of names) driverIds.set(name, await createDriver(call, { name, runtime: 'nodejs8' }))
    const at = { call, instanceId: await createInstance(call, { name: 'bench', spec: 20, gateway }), driverIds }
    const measured = await timed(rounds, async (round) => ({
      bareMs: await direct(ear, node, { names, port, hasUsers: false }),
      directMs: await direct(ear, node, { names, port, hasUsers: true }),
      ...(await deployed(ear, at, { port, round })),
    }))
    return linesOf(count, measured)
  } finally {
    await node.stop()
    await server.close()
    ear.close()
  }
}

export async function benchDrivers(isQuick: boolean): Promise<Line[]> {
  return [...(await benchCount(1, isQuick ? 5 : 15)), ...(await benchCount(30, isQuick ? 3 : 5))]
}
