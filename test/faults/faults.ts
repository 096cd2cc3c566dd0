// The faults that a round picks from, each with how often it comes. None of them waits for what it breaks.
import { openEngine } from '../../packages/agent/src/runtime/engine/client/connection.ts'
import { killContainer, removeContainer } from '../../packages/agent/src/runtime/engine/client/containers.ts'
import type { Random } from '../simulation/random.ts'
import { seeContainers, seeDrivers, seeForwarders } from './truth.ts'
import type { World } from './world.ts'

export interface Fault {
  readonly name: string
  readonly weight: number
  readonly needsEngine?: true
  /** Does it; says what exactly. */
  strike(world: World, random: Random): Promise<string>
}

export const faults: readonly Fault[] = [
  { name: 'the agent is killed', weight: 5, strike: killAgent },
  { name: 'the server is killed', weight: 2, strike: killServer },
  { name: 'the link is cut', weight: 3, strike: cutLink },
  { name: 'a driver is killed', weight: 3, strike: killDriver },
  { name: 'something else is asked for', weight: 4, strike: change },
  { name: 'a file is torn', weight: 3, strike: tearFile },
  { name: 'the disk is full', weight: 2, strike: async ({ disk }) => (disk.fill(), 'until the end of the round') },
  { name: 'the disk is read-only', weight: 1, strike: async ({ disk }) => (disk.freeze(), 'until the end of the round') },
  { name: 'a container is killed', weight: 3, needsEngine: true, strike: killOne },
  { name: 'a container is removed', weight: 3, needsEngine: true, strike: removeOne },
  { name: 'the forwarder is killed', weight: 1, needsEngine: true, strike: killForwarder },
  { name: 'the engine is restarted', weight: 0.5, needsEngine: true, strike: restartEngine },
]

async function killAgent({ agent }: World, random: Random): Promise<string> {
  await agent.kill()
  if (random.chance(0.3)) return 'and stays away'
  await agent.start()
  return 'and started'
}

async function killServer({ server }: World, random: Random): Promise<string> {
  await server.kill()
  if (random.chance(0.5)) return 'and stays away'
  await server.start()
  return 'and started'
}

async function cutLink({ link }: World, random: Random): Promise<string> {
  link.cut()
  if (random.chance(0.5)) return 'until the end of the round'
  link.mend()
  return 'for a moment'
}

async function killDriver({ disk }: World, random: Random): Promise<string> {
  const seen = seeDrivers(disk.folder)
  if (seen.length === 0) return 'none runs'
  const { pid } = random.pick(seen)
  end(pid)
  return `process ${pid}`
}

async function change({ intent, server }: World, random: Random): Promise<string> {
  await server.start()
  const one = random.pick(intent.wanted)
  const isTaken = await intent.change(one)
  return `${one.key}: ${isTaken ? one.version : 'refused, another one is under way'}`
}

/** While the agent is down: it reads its files when it starts. */
async function tearFile({ agent, disk }: World, random: Random): Promise<string> {
  await agent.kill()
  const what = disk.isReadOnly ? 'nothing, the disk is read-only' : disk.tear(random)
  await agent.start()
  return what
}

async function killOne(world: World, random: Random): Promise<string> {
  return onContainer(world, random, { isRunning: true, act: killContainer })
}

async function removeOne(world: World, random: Random): Promise<string> {
  return onContainer(world, random, { isRunning: false, act: removeContainer })
}

type Act = (engine: Awaited<ReturnType<typeof openEngine>>, id: string) => Promise<void>

async function onContainer({ engine, disk }: World, random: Random, { isRunning, act }: { isRunning: boolean; act: Act }): Promise<string> {
  if (engine === undefined || !engine.isUp) return 'no engine'
  const seen = (await seeContainers(engine.socketPath, disk.folder)).filter((one) => one.isRunning || !isRunning)
  const sorted = seen.toSorted((a, b) => nameOf(a.labels).localeCompare(nameOf(b.labels)))
  if (sorted.length === 0) return 'there is none'
  const one = random.pick(sorted)
  const connection = await openEngine({ socketPath: engine.socketPath })
  try {
    await act(connection, one.id)
  } catch (error) {
    return `${nameOf(one.labels)} was gone before: ${error instanceof Error ? error.message : String(error)}`
  } finally {
    connection.close()
  }
  return nameOf(one.labels)
}

function nameOf(labels: Readonly<Record<string, string>>): string {
  return `${labels['littoral.role']} ${labels['littoral.key'] ?? ''} ${labels['littoral.container'] ?? ''}`.trim()
}

async function killForwarder({ disk }: World): Promise<string> {
  const seen = seeForwarders(disk.folder)
  for (const { pid } of seen) end(pid)
  return `${seen.length} processes`
}

async function restartEngine({ engine }: World, random: Random): Promise<string> {
  const signal = random.pick(['SIGKILL', 'SIGTERM'] as const)
  await engine?.end(signal)
  await engine?.start()
  return signal
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself meanwhile.
  }
}

/** Power is lost: the agent and everything it runs die at once, and the link is gone. The engine comes back with the machine. */
export async function pullPlug(world: World): Promise<void> {
  const { agent, link, disk, engine } = world
  link.cut()
  await agent.kill()
  if (engine) {
    const seen = await seeContainers(engine.socketPath, disk.folder)
    const connection = await openEngine({ socketPath: engine.socketPath })
    await Promise.all(seen.filter(({ isRunning }) => isRunning).map(({ id }) => killContainer(connection, id).catch(() => {})))
    connection.close()
  }
  for (const { pid } of [...seeDrivers(disk.folder), ...seeForwarders(disk.folder)]) end(pid)
}

/** A fault by its weight. */
export function pickFault(random: Random, hasEngine: boolean): Fault {
  const possible = faults.filter(({ needsEngine }) => hasEngine || needsEngine === undefined)
  let at = random.next() * possible.reduce((sum, { weight }) => sum + weight, 0)
  for (const fault of possible) {
    at -= fault.weight
    if (at < 0) return fault
  }
  return possible[0] as Fault
}
