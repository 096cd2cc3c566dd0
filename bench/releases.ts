// W5 and W6: how long until a new version answers on all instances, and how a bad one ends, beside Docker Swarm on the same
// engine in the same run, and beside what the engine takes alone. Littoral's instances are one container on each of n
// simulated nodes on this machine, Swarm's n replicas of one service on its one node: the same n containers with the same
// limits on the same engine, and the same number of them that may be unavailable at once. What Littoral does more, telling n
// agents and hearing of them, is measured with it.
import { openEngine } from '../packages/agent/src/runtime/engine/client/connection.ts'
import { ensureEngine } from '../tools/engine.ts'
import { makeSampleImage } from '../tools/sample-image.ts'
import type { Gaps } from './answers.ts'
import { openEngineAlone } from './engine-alone.ts'
import { openFleet, type Stage } from './fleet.ts'
import { startPeer } from './processes.ts'
import { median, spread, type Line } from './report.ts'
import { imageOf, type Failed, type Side, type Tag, type Updated } from './sides.ts'
import { openSwarm, type Order } from './swarm.ts'

export interface ReleasePace {
  readonly replicas: number
  readonly rounds: number
}

/** Instances that may be unavailable at once: a quarter, which is Littoral's default, and one, which is Swarm's. */
const limitsOf = (replicas: number) => [...new Set([Math.max(1, Math.floor(replicas / 4)), 1])]

interface Round {
  /** By limit. */
  readonly floorMs: ReadonlyMap<number, number>
  readonly littoral: ReadonlyMap<number, Updated>
  readonly littoralFailed: Failed
  /** By limit and order; without what Swarm did not finish. */
  readonly swarm: ReadonlyMap<string, Updated>
  readonly swarmFailed: Failed | undefined
}

const swarmKey = (limit: number, order: Order) => `${limit} ${order}`

export async function benchReleases({ replicas, rounds }: ReleasePace): Promise<Line[]> {
  const handle = await ensureEngine((line) => console.error(line))
  if (!handle.startedByUs && !process.env['LITTORAL_ENGINE_SOCKET']) {
    const why = 'not measured: it would make a swarm of this machine’s engine; name one that may be with LITTORAL_ENGINE_SOCKET'
    return [{ name: 'releases beside Docker Swarm', measured: why }]
  }
  const engine = await openEngine({ socketPath: handle.socketPath })
  const answers = startPeer('./answers.ts')
  try {
    for (const tag of ['one', 'two', 'bad'] as const) await makeSampleImage(handle.socketPath, { tag: imageOf(tag), body: tag })
    const stage: Stage = { engine, socketPath: handle.socketPath, count: replicas, answers }
    const measured: Round[] = []
    for (let round = 0; round < rounds; round += 1) measured.push(await measure(stage, limitsOf(replicas)))
    return releaseLines(measured, replicas)
  } finally {
    await answers.stop()
    engine.close()
    await handle.stop()
  }
}

/** One side after the other: even at rest the probes of one would take their share of the machine from the next. */
async function measure(stage: Stage, limits: readonly number[]): Promise<Round> {
  const floorMs = new Map<number, number>()
  const alone = await openEngineAlone(stage)
  try {
    await alone.replaceAll(warmUpTag, limits[0] ?? 1)
    for (const [at, limit] of limits.entries()) floorMs.set(limit, await alone.replaceAll(tagAt(at), limit))
  } finally {
    await alone.close()
  }
  const littoral = new Map<number, Updated>()
  const littoralFailed = await using(await openFleet(stage), async (fleet) => {
    await fleet.update(warmUpTag, limits[0] ?? 1)
    for (const [at, limit] of limits.entries()) littoral.set(limit, await fleet.update(tagAt(at), limit))
    return fleet.fail(limits[0] ?? 1)
  })
  return { floorMs, littoral, littoralFailed, ...(await measureSwarm(stage, limits)) }
}

/** A peer that gives up must not take our own figures with it; it begins anew for each part. */
async function measureSwarm(stage: Stage, limits: readonly number[]): Promise<Pick<Round, 'swarm' | 'swarmFailed'>> {
  const swarm = new Map<string, Updated>()
  for (const { limit, order } of swarmWays(limits)) {
    const updated = await attempt(stage, order, (side) => side.update('two', limit))
    if (updated) swarm.set(swarmKey(limit, order), updated)
  }
  return { swarm, swarmFailed: await attempt(stage, 'stop-first', (side) => side.fail(limits[0] ?? 1)) }
}

async function attempt<T>(stage: Stage, order: Order, work: (side: Side) => Promise<T>): Promise<T | undefined> {
  const side = await openSwarm(stage)
  side.order = order
  try {
    return await using(side, work)
  } catch (error) {
    console.error(`Swarm, ${order}: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

/** Its default order at each limit, and the other one at the first. */
function swarmWays(limits: readonly number[]): { limit: number; order: Order }[] {
  return [...limits.map((limit) => ({ limit, order: 'stop-first' as const })), { limit: limits[0] ?? 1, order: 'start-first' }]
}

/** Of an update that is not counted: twenty agents and their server have only just started, and nodes run for months. */
const warmUpTag: Tag = 'two'
/** Every update brings the other version. */
const tagAt = (at: number): Tag => (at % 2 === 0 ? 'one' : 'two')

async function using<S extends Side, T>(side: S, work: (side: S) => Promise<T>): Promise<T> {
  try {
    return await work(side)
  } finally {
    await side.close()
  }
}

function releaseLines(rounds: readonly Round[], replicas: number): Line[] {
  const limits = limitsOf(replicas)
  const note = `${replicas} simulated nodes on one machine, one real container each; probe each second, one failure counts`
  return [
    { name: 'releases beside Docker Swarm', measured: note },
    ...limits.flatMap((limit) => updateLines(rounds, limit, replicas)),
    ...failureLines(rounds, replicas),
  ]
}

const seconds = (values: readonly number[]) =>
  spread(
    values.map((ms) => ms / 1000),
    2,
  )

function updateLines(rounds: readonly Round[], limit: number, replicas: number): Line[] {
  const ours = rounds.map(({ littoral }) => littoral.get(limit) as Updated)
  const floors = rounds.map(({ floorMs }) => floorMs.get(limit) ?? Number.NaN)
  const peerLines = swarmWays(limitsOf(replicas))
    .filter((way) => way.limit === limit)
    .map(({ order }): Line => {
      const name = `  times faster than Swarm, ${order}`
      const pairs = pairsOf(rounds, ({ littoral, swarm }) => [littoral.get(limit), swarm.get(swarmKey(limit, order))])
      if (pairs.length === 0) return { name, measured: notFinished }
      const theirs = pairs.map(([, their]) => their)
      const faster = median(pairs.map(([our, their]) => their.ms / our.ms))
      const measured = `${seconds(theirs.map(({ ms }) => ms))} s; ${gapText(theirs)}`
      // The goal is for equal limits on what is unavailable; started first, nothing of Swarm's is.
      const goal = order === 'stop-first' ? { goal: { kind: 'at least' as const, value: 3 } } : {}
      return { name, measured, value: faster, ...goal }
    })
  return [
    { name: `W5 update of ${replicas}, ${limit} at once`, measured: `${seconds(ours.map(({ ms }) => ms))} s; ${gapText(ours)}` },
    {
      name: '  to the engine alone',
      measured: `${seconds(floors)} s`,
      value: median(ours.map(({ ms }, at) => ms / (floors[at] ?? Number.NaN))),
      goal: { kind: 'at most', value: 1.2 },
    },
    ...peerLines,
    { name: '  without an answer', measured: '', value: worstGap(ours), goal: { kind: 'at most', value: 0, unit: ' s' } },
  ]
}

function failureLines(rounds: readonly Round[], replicas: number): Line[] {
  const ours = rounds.map(({ littoralFailed }) => littoralFailed)
  const pairs = pairsOf(rounds, ({ littoralFailed, swarmFailed }) => [littoralFailed, swarmFailed])
  const peer: Pick<Line, 'measured' | 'value' | 'goal'> =
    pairs.length === 0
      ? { measured: notFinished }
      : {
          measured: failureText(pairs.map(([, their]) => their)),
          value: median(pairs.map(([our, their]) => their.ms / our.ms)),
          goal: { kind: 'at least', value: 3 },
        }
  const touched = Math.max(...ours.map((failed) => failed.touched))
  return [
    { name: `W6 bad version on ${replicas}, ${limitsOf(replicas)[0]} at once`, measured: failureText(ours) },
    { name: '  instances touched', measured: '', value: touched, goal: { kind: 'at most', value: 1 } },
    { name: '  without an answer', measured: '', value: worstGap(ours), goal: { kind: 'at most', value: 0, unit: ' s' } },
    { name: '  times faster than Swarm, stop-first', ...peer },
  ]
}

const notFinished = 'it gave up on a good version, for want of time for its checks'

/** The rounds in which both sides have a figure. */
function pairsOf<T>(rounds: readonly Round[], pick: (round: Round) => readonly [T | undefined, T | undefined]): (readonly [T, T])[] {
  return rounds.map(pick).flatMap(([our, their]) => (our === undefined || their === undefined ? [] : [[our, their] as const]))
}

const failureText = (all: readonly Failed[]) =>
  `${seconds(all.map(({ ms }) => ms))} s, ${all[0]?.state} after ${seconds(all.map(({ recordedMs }) => recordedMs))} s; ` +
  `${spread(
    all.map(({ touched }) => touched),
    0,
  )} touched; ${gapText(all)}`

const worstGap = (all: readonly { readonly gaps: Gaps }[]) => Math.max(...all.map(({ gaps }) => gaps.totalMs)) / 1000

/** Of all instances together. */
const gapText = (all: readonly { readonly gaps: Gaps }[]) =>
  `${seconds(all.map(({ gaps }) => gaps.totalMs))} s without an answer on ${median(all.map(({ gaps }) => gaps.instances))}`
