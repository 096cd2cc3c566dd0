// From a publish to the first answer through the service port of a warm node (image there, agent connected), as a ratio
// to what the bare engine needs to create, start and answer from the same container. Both take turns.
import { connect } from 'node:net'
import { cpus } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { openEngine, type Engine } from '../packages/agent/src/runtime/engine/client/connection.ts'
import {
  addressOf,
  createContainer,
  getContainer,
  listContainers,
  removeContainer,
  startContainer,
} from '../packages/agent/src/runtime/engine/client/containers.ts'
import { openTestServer } from '../test/test-server.ts'
import { ensureEngine } from '../tools/engine.ts'
import { createApp, createVersion, deleteApp, publish } from '../tools/journey/app.ts'
import { until } from '../tools/journey/wait.ts'
import { asJsonText, popCall, type Call } from '../tools/official-clients.ts'
import { makeSampleImage } from '../tools/sample-image.ts'
import { median, spread, type Line } from './report.ts'

const image = 'littoral-bench/hello:1'
const timeoutMs = 30_000
const firstPort = 23_000

interface Asked {
  readonly host: string
  readonly port: number
}

/** Milliseconds from `startedAt` to the first complete answer; asks every two milliseconds. */
async function untilAnswer({ host, port }: Asked, startedAt: number): Promise<number> {
  for (; performance.now() - startedAt < timeoutMs; await sleep(2)) if (await answers({ host, port })) return performance.now() - startedAt
  throw new Error(`${host}:${port} did not answer within ${timeoutMs} ms`)
}

function answers({ host, port }: Asked): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host)
    let text = ''
    socket.setTimeout(1000, () => socket.destroy())
    socket.on('connect', () => socket.write('GET / HTTP/1.0\r\n\r\n'))
    socket.on('data', (chunk) => (text += chunk.toString('latin1')))
    socket.on('error', () => {})
    socket.on('close', () => resolve(text.includes(' 200 ') && text.includes('hello')))
  })
}

/** The same limits as the agent gives to a container of size 1C2G. */
async function bareEngine(engine: Engine, round: number): Promise<number> {
  const startedAt = performance.now()
  const id = await createContainer(engine, `littoral-bench-${process.pid}-${round}`, {
    Image: image,
    Labels: {},
    HostConfig: { RestartPolicy: { Name: 'no' }, NanoCpus: Math.min(1, cpus().length) * 1e9, Memory: 2 * 1024 ** 3 },
  })
  try {
    await startContainer(engine, id)
    const host = addressOf(await getContainer(engine, id)) ?? ''
    return await untilAnswer({ host, port: 8080 }, startedAt)
  } finally {
    await removeContainer(engine, id)
  }
}

/** A new application each time: nothing of it is on the node yet but the image. */
async function throughLittoral(call: Call, round: number): Promise<number> {
  const servicePort = firstPort + round
  const appId = await createApp(call, { name: `bench-${process.pid}-${round}`, servicePort, targetPort: 8080 })
  try {
    const versionId = await createVersion(call, { appId, name: 'version-1', image, port: 8080 })
    const startedAt = performance.now()
    await publish(call, { appId, versionId, environment: 'prod' })
    return await untilAnswer({ host: '127.0.0.1', port: servicePort }, startedAt)
  } finally {
    await deleteApp(call, appId)
  }
}

/** A node keeps one network ready beside those in use, and makes the next one a moment after it was taken. */
async function waitWarm(engine: Engine): Promise<void> {
  await sleep(3000)
  await until('a spare network', timeoutMs, async () => {
    const holders = await listContainers(engine, ['littoral.role=holder'])
    return holders.some(({ State }) => State === 'running') ? true : undefined
  })
}

export async function benchFirstAnswer(rounds: number): Promise<Line[]> {
  const handle = await ensureEngine()
  process.env['LITTORAL_ENGINE_SOCKET'] = handle.socketPath
  const engine = await openEngine({ socketPath: handle.socketPath })
  await makeSampleImage(handle.socketPath, { tag: image, body: 'hello' })
  const server = await openTestServer()
  try {
    const pop = popCall(server.url, server.key, '2024-09-10')
    const call: Call = (action, input) => pop(action, asJsonText(input))
    await server.openNode({ runtimes: ['engine'] })
    const ours: number[] = []
    const bare: number[] = []
    // The first round warms up both and is not counted: a node that has never run a group keeps no spare network.
    for (let round = 0; round <= rounds; round += 1) {
      if (round > 0) await waitWarm(engine)
      const times = [await bareEngine(engine, round), await throughLittoral(call, round)] as const
      if (round === 0) continue
      bare.push(times[0])
      ours.push(times[1])
    }
    const value = median(ours.map((time, round) => time / (bare[round] ?? Number.NaN)))
    const measured = `${spread(ours, 0)} ms, bare engine ${spread(bare, 0)} ms`
    return [{ name: 'publish to first answer, to the bare engine', measured, value, goal: { kind: 'at most', value: 1.2 } }]
  } finally {
    await server.close()
    engine.close()
    await handle.stop()
  }
}
