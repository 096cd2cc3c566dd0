// The same journey on three local nodes with real containers: three agents on one engine, each with its own folder, owner,
// address and network cable. Somebody visits every node all the time, and not one request may fail. Then what only real
// containers show: that nothing healthy is stopped before its successor has baked, and that a rollback keeps its limit.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openEngine, type Engine } from '../../packages/agent/src/runtime/engine/client/connection.ts'
import { getContainer, listContainers, removeContainer } from '../../packages/agent/src/runtime/engine/client/containers.ts'
import { watchEvents } from '../../packages/agent/src/runtime/engine/client/events.ts'
import { ensureEngine, type EngineHandle } from '../../tools/engine.ts'
import { until } from '../../tools/journey/wait.ts'
import { makeSampleImage } from '../../tools/sample-image.ts'
import { freePort } from '../../tools/start/settings.ts'
import { openCable } from '../cable.ts'
import type { TestServer } from '../test-server.ts'
import { releaseJourney, type Machine } from './releases.contract.ts'
import { ask, openVisitor, type Visitor } from './visitor.ts'

let held: EngineHandle
let engine: Engine
let servicePort: number
const visitors: Visitor[] = []
const tags = ['1', '2', '4', '5', '6']
const image = (tag: string) => `littoral-releases-${process.pid}:${tag}`

// Before the journey's own, because what is declared last ends first.
afterAll(async () => {
  engine?.close()
  await held?.stop()
})

const journey = releaseJourney(async () => {
  held = await ensureEngine()
  engine = await openEngine({ socketPath: held.socketPath })
  for (const tag of tags) await makeSampleImage(held.socketPath, { tag: image(tag), body: tag })
  servicePort = await freePort('0.0.0.0')
  return {
    servicePort,
    waitMs: 60_000,
    // It runs and answers, but not where it is asked.
    image: (tag) => (tag === 'never-ready' ? { image: image('1'), more: { EnvVariables: 'PORT=9' } } : { image: image(tag) }),
    openMachine,
  }
})
let machines = 0

async function openMachine(server: TestServer, appId: string): Promise<Machine> {
  const address = `127.0.71.${(machines += 1)}`
  const cable = await openCable(server.url)
  const node = await server.openNode({ environment: 'prod', runtimes: ['engine'], engineSocket: held.socketPath, address, url: cable.url })
  const visitor = openVisitor(address, servicePort)
  visitors.push(visitor)
  const { content: owner } = JSON.parse(await readFile(join(node.dataDir, 'owner.json'), 'utf8')) as { content: string }
  const mine = () => listContainers(engine, [`littoral.node=${owner}`])
  return {
    nodeId: node.nodeId,
    serving: () => ask(address, servicePort).catch(() => undefined),
    async running() {
      const members = (await mine()).filter(({ Labels }) => Labels['littoral.key'] === `app/${appId}/prod`)
      return members.filter(({ State }) => State === 'running').map(({ Labels }) => tagOf(Labels['littoral.workload'] ?? '{}'))
    },
    unplug: async () => cable.cut(),
    replug: async () => cable.mend(),
    async close() {
      await visitor.stop()
      await node.close()
      await cable.close()
      // The holder last: others are in its network.
      for (const { Id } of (await mine()).toSorted((a, b) => roleOf(a) - roleOf(b))) await removeContainer(engine, Id)
    },
  }
}

const roleOf = ({ Labels }: { Labels: Record<string, string> }) => Number(Labels['littoral.role'] === 'holder')

function tagOf(workload: string): string {
  const { containers = [] } = JSON.parse(workload) as { containers?: { image: string; env: { name: string }[] }[] }
  const [first] = containers
  return first?.env.some(({ name }) => name === 'PORT') ? 'never-ready' : (first?.image.split(':').at(-1) ?? '')
}

describe('on three nodes with real containers', { timeout: 180_000 }, () => {
  it('a healthy instance is stopped only when its successor has been ready for its bake time', async () => {
    const bakeMs = 3000
    const readyAfterMs = 2000
    await journey().policy({ BakeSeconds: String(bakeMs / 1000), MaxUnavailable: '3', FailureBudget: '3', CanaryNodes: '0' })
    const probe = { Port: 8080, PeriodSeconds: 1, InitialDelaySeconds: readyAfterMs / 1000 }
    const next = await journey().version('version-6', '6', { ProbeContent: probe })
    const ends = await openDeaths(({ version }) => version !== next)
    await journey().publish(next)
    const starts = new Map<string, number>()
    await until('the successors', journey().waitMs, async () => {
      for (const { Id, State, Labels } of await listContainers(engine, [`littoral.version=${next}`])) {
        if (State === 'running') starts.set(Labels['littoral.node'] ?? '', await startedAtMs(Id))
      }
      return starts.size === 3 ? true : undefined
    })
    await journey().waitStatus('published')
    await until('the end of the old ones', journey().waitMs, () => (ends.atMs.size === 3 ? true : undefined))
    ends.close()
    for (const [owner, atMs] of ends.atMs) expect(atMs - (starts.get(owner) ?? Number.NaN)).toBeGreaterThanOrEqual(readyAfterMs + bakeMs)
  })

  it('a rollback waits for no bake time, and keeps the limit on nodes in doubt', async () => {
    const { server, appId } = journey()
    await journey().policy({ BakeSeconds: '600', MaxUnavailable: '1', CanaryNodes: '1' })
    const before = (await journey().history()).find(({ VersionId }) => VersionId !== undefined)
    const good = (await journey().history()).find(({ VersionId }) => VersionId !== before?.['VersionId'])
    await journey().esa()('RollbackEdgeContainerAppVersion', { AppId: appId, VersionId: good?.['VersionId'] })
    const inDoubt: number[] = []
    await until('the rollback', journey().waitMs, async () => {
      const [newest] = await journey().history()
      const { Progress } = await server.littoral('GetRelease', { ReleaseId: newest?.['ReleaseId'] })
      inDoubt.push((Progress as { InDoubt: number }).InDoubt)
      return newest?.['State'] === 'rolledBack' ? true : undefined
    })
    expect(Math.max(...inDoubt)).toBe(1)
    await until('one instance each', journey().waitMs, async () => {
      const running = await Promise.all(journey().machines.map((machine) => machine.running()))
      return running.every((list) => list.join() === '5') ? true : undefined
    })
  })

  it('not one request failed on any node in all of this', () => {
    for (const visitor of visitors) {
      expect(visitor.failures).toEqual([])
      expect(visitor.answers).toBeGreaterThan(500)
      expect([...visitor.firstAtMs.keys()].toSorted()).toEqual(expect.arrayContaining(['1', '2', '4', '5', '6']))
    }
  })
})

async function startedAtMs(id: string): Promise<number> {
  return Date.parse((await getContainer(engine, id)).State.StartedAt)
}

/** When a member of each node ended, by owner. */
async function openDeaths(isCounted: (member: { version: string }) => boolean) {
  const ending = new AbortController()
  const atMs = new Map<string, number>()
  await new Promise<void>((onConnected) => {
    void watchEvents(async () => engine, {
      label: 'littoral.role=member',
      onConnected,
      onEvent({ action, labels }) {
        const isOurs = labels['littoral.key'] === `app/${journey().appId}/prod`
        if (action === 'die' && isOurs && isCounted({ version: labels['littoral.version'] ?? '' })) {
          atMs.set(labels['littoral.node'] ?? '', Date.now())
        }
      },
      onLost: () => {},
      signal: ending.signal,
    })
  })
  return { atMs, close: () => ending.abort() }
}
