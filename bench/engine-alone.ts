// The floor of the release measurement: the same containers replaced by the engine alone. As many at once as on the other
// sides, one first; each new container is created and started, and when it answers, the old one is stopped and removed
// beside the next ones. Asked by its users as the others are; but nobody is told anything, nothing is kept, nothing decided.
import {
  createContainer,
  getContainer,
  listContainers,
  removeContainer,
  startContainer,
  stopContainer,
} from '../packages/agent/src/runtime/engine/client/containers.ts'
import type { Engine } from '../packages/agent/src/runtime/engine/client/connection.ts'
import type { Stage } from './fleet.ts'
import { askEveryMs, cpus, graceSeconds, imageOf, memoryBytes, patienceMs, type Tag } from './sides.ts'

const label = 'littoral-bench.floor'
const slotLabel = 'littoral-bench.slot'
const retryMs = 5

export interface EngineAlone {
  /** How long until the new containers all answered those who ask. */
  replaceAll(tag: Tag, atOnce: number): Promise<number>
  close(): Promise<void>
}

export async function openEngineAlone({ engine, socketPath, count, answers }: Stage): Promise<EngineAlone> {
  const close = async () => {
    await answers.ask('stop')
    for (const { Id } of await listContainers(engine, [label])) await removeContainer(engine, Id)
  }
  await close()
  const ids = new Map<number, string>()
  await Promise.all(Array.from({ length: count }, async (_, slot) => ids.set(slot + 1, await bringUp(engine, 'one', slot + 1))))
  await answers.ask('watch', { everyMs: askEveryMs, slots: { socketPath, label, slotLabel, count } })
  return {
    close,
    async replaceAll(tag, atOnce) {
      const old = [...ids]
      const retiring: Promise<void>[] = []
      const replaceOne = async () => {
        const [slot, id] = old.pop() as [number, string]
        ids.set(slot, await bringUp(engine, tag, slot))
        retiring.push(retire(engine, id))
      }
      const there = answers.ask<number>('until', { body: tag, timeoutMs: patienceMs })
      there.catch(() => {})
      const startedAtMs = Date.now()
      await replaceOne()
      const worker = async () => {
        while (old.length > 0) await replaceOne()
      }
      await Promise.all(Array.from({ length: Math.min(atOnce, old.length) }, worker))
      const ms = (await there) - startedAtMs
      await Promise.all(retiring)
      return ms
    },
  }
}

/** What Swarm asks for too: a network of its own, and a port of the machine that leads to it. */
async function bringUp(engine: Engine, tag: Tag, slot: number): Promise<string> {
  const name = `littoral-bench-${Math.random().toString(36).slice(2)}`
  const id = await createContainer(engine, name, {
    Image: imageOf(tag),
    Labels: { [label]: 'yes', [slotLabel]: `floor.${slot}` },
    ExposedPorts: { '8080/tcp': {} },
    HostConfig: {
      RestartPolicy: { Name: 'no' },
      PortBindings: { '8080/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] },
      NanoCpus: cpus * 1e9,
      Memory: memoryBytes,
    },
  })
  await startContainer(engine, id)
  const port = (await getContainer(engine, id)).NetworkSettings.Ports?.['8080/tcp']?.[0]?.HostPort
  for (const end = Date.now() + 30_000; !(await isAnswering(`http://127.0.0.1:${port}/`, tag));) {
    if (Date.now() > end) throw new Error(`a container of ${imageOf(tag)} did not answer within 30 s`)
    await new Promise((resolve) => setTimeout(resolve, retryMs))
  }
  return id
}

async function isAnswering(url: string, body: string): Promise<boolean> {
  try {
    return (await (await fetch(url, { headers: { connection: 'close' } })).text()) === body
  } catch {
    return false
  }
}

async function retire(engine: Engine, id: string): Promise<void> {
  await stopContainer(engine, id, graceSeconds)
  await removeContainer(engine, id)
}
