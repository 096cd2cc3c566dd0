// The floor of the release measurement: the same containers replaced by the engine alone. As many at once as on the other
// sides, one first; each new container is created and started, and when it answers, the old one is stopped and removed
// beside the next ones. Nobody is told anything, nothing is kept, nothing is decided.
import {
  createContainer,
  getContainer,
  listContainers,
  removeContainer,
  startContainer,
  stopContainer,
} from '../packages/agent/src/runtime/engine/client/containers.ts'
import type { Engine } from '../packages/agent/src/runtime/engine/client/connection.ts'
import { cpus, graceSeconds, imageOf, memoryBytes, type Tag } from './sides.ts'

const label = 'littoral-bench.floor'
const retryMs = 5

export interface EngineAlone {
  /** How long until the new containers all answered. */
  replaceAll(tag: Tag, atOnce: number): Promise<number>
  close(): Promise<void>
}

export async function openEngineAlone(engine: Engine, count: number): Promise<EngineAlone> {
  const close = async () => {
    for (const { Id } of await listContainers(engine, [label])) await removeContainer(engine, Id)
  }
  await close()
  let ids = await Promise.all(Array.from({ length: count }, () => bringUp(engine, 'one')))
  return {
    close,
    async replaceAll(tag, atOnce) {
      const old = [...ids]
      const next: string[] = []
      const retiring: Promise<void>[] = []
      const replaceOne = async () => {
        const id = await bringUp(engine, tag)
        next.push(id)
        const replaced = old.pop()
        if (replaced !== undefined) retiring.push(retire(engine, replaced))
      }
      const startedAtMs = performance.now()
      await replaceOne()
      let left = count - 1
      const worker = async () => {
        for (; left > 0;) {
          left -= 1
          await replaceOne()
        }
      }
      await Promise.all(Array.from({ length: Math.min(atOnce, left) }, worker))
      const ms = performance.now() - startedAtMs
      await Promise.all(retiring)
      ids = next
      return ms
    },
  }
}

/** What Swarm asks for too: a network of its own, and a port of the machine that leads to it. */
async function bringUp(engine: Engine, tag: Tag): Promise<string> {
  const name = `littoral-bench-${Math.random().toString(36).slice(2)}`
  const id = await createContainer(engine, name, {
    Image: imageOf(tag),
    Labels: { [label]: 'yes' },
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
