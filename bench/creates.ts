// CreateEdgeContainerAppVersion over HTTP, against its floors: the same pipeline without the store, and one transaction
// per request, on the thread that serves and on one of its own. The variants take turns in every round, so that a noisy
// machine hurts them alike; ratios are per round.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Load, Measured } from './load.ts'
import { startPeer, type Peer } from './processes.ts'
import { median, spread, type Line } from './report.ts'
import type { Opened, Variant } from './server.ts'

export interface Pace {
  readonly rounds: number
  readonly warmUpMs: number
  readonly countMs: number
  /** Creates after which memory is compared. */
  readonly memoryCreates: number
}

interface Served extends Opened {
  readonly peer: Peer
}

interface Sample extends Measured {
  readonly cpuMicros: number
}

const variants: readonly Variant[] = ['no-store', 'one-by-one', 'one-by-one-apart', 'real']
const concurrencies = [1, 32, 128]
/** Where the goals are, and so the most rounds. */
const goalAt = 32

/** Above what any variant reaches, so that time ends a run and not the stock of requests. */
const maxPerSecond: Record<number, number> = { 1: 4000, 32: 12_000, 128: 14_000 }

export async function benchCreates(pace: Pace, load: Peer): Promise<Line[]> {
  const servers = new Map<Variant, Served>()
  try {
    for (const variant of variants) servers.set(variant, await openServer(variant))
    const lines: Line[] = []
    for (const connections of concurrencies) lines.push(...(await compare(pace, { connections, load, servers })))
    const real = servers.get('real') as Served
    lines.push(await benchReads(pace, { real, load }))
    lines.push(...(await benchMemory(pace, { real, load })))
    return lines
  } finally {
    for (const { peer } of servers.values()) await peer.stop()
  }
}

async function openServer(variant: Variant): Promise<Served> {
  const peer = startPeer('./server.ts')
  return { peer, ...(await peer.ask<Opened>('open', { variant })) }
}

function loadOf({ target, appIds }: Served, pace: Pace, connections: number, perSecond = maxPerSecond[connections] ?? 0): Load {
  const requests = Math.ceil(((pace.warmUpMs + pace.countMs) / 1000) * perSecond)
  return { target, appIds, connections, warmUpMs: pace.warmUpMs, countMs: pace.countMs, requests }
}

async function sample(served: Served, load: Peer, wanted: Load): Promise<Sample> {
  const before = await served.peer.ask<number>('cpu')
  const measured = await load.ask<Measured>('creates', wanted)
  const all = measured.count * ((wanted.warmUpMs + wanted.countMs) / wanted.countMs)
  return { ...measured, cpuMicros: ((await served.peer.ask<number>('cpu')) - before) / all }
}

interface Comparison {
  readonly connections: number
  readonly load: Peer
  readonly servers: ReadonlyMap<Variant, Served>
}

async function compare(pace: Pace, { connections, load, servers }: Comparison): Promise<Line[]> {
  const rounds: Record<Variant, Sample>[] = []
  const count = connections === goalAt ? pace.rounds : Math.ceil(pace.rounds / 3)
  for (let round = 0; round < count; round += 1) {
    const samples: Partial<Record<Variant, Sample>> = {}
    for (let turn = 0; turn < variants.length; turn += 1) {
      // Another one begins each time, so that none always has what the one before it left to the machine.
      const variant = variants[(round + turn) % variants.length] as Variant
      const served = servers.get(variant) as Served
      // Signing takes longer than being served, so later rounds sign about as much as the first one took.
      const known = rounds[0]?.[variant].perSecond
      samples[variant] = await sample(served, load, loadOf(served, pace, connections, known && known * 2))
    }
    rounds.push(samples as Record<Variant, Sample>)
  }
  const describe = (variant: Variant) => {
    const of = (key: keyof Sample) => rounds.map((samples) => samples[variant][key])
    const latency = `p50 ${median(of('p50Ms')).toFixed(2)} ms, p99 ${median(of('p99Ms')).toFixed(1)} ms`
    return `${spread(of('perSecond'), 0)}/s, ${latency}, ${median(of('cpuMicros')).toFixed(0)} µs CPU`
  }
  const ratio = (floor: Variant) => median(rounds.map((samples) => samples.real.perSecond / samples[floor].perSecond))
  const goal = (value: number) => (connections === goalAt ? { goal: { kind: 'at least' as const, value } } : {})
  return [
    { name: `creates, ${connections} connections`, measured: describe('real') },
    { name: '  to the pipeline without the store', measured: describe('no-store'), value: ratio('no-store'), ...goal(0.7) },
    { name: '  to one transaction per request', measured: describe('one-by-one'), value: ratio('one-by-one'), ...goal(3) },
    { name: '  to the same on a thread of its own', measured: describe('one-by-one-apart'), value: ratio('one-by-one-apart') },
  ]
}

interface Measuring {
  readonly real: Served
  readonly load: Peer
}

/** Reads from a second process, at a gentle pace, while the first one writes with 32 connections; a first round warms up. */
async function benchReads(pace: Pace, { real, load }: Measuring): Promise<Line> {
  const reader = startPeer('./load.ts')
  try {
    const versions = await real.peer.ask<[string, string][]>('versions')
    const p99s: number[] = []
    const p50s: number[] = []
    for (let round = 0; round <= pace.rounds; round += 1) {
      const writers = loadOf(real, pace, 32)
      await load.ask('sign', writers)
      const writing = load.ask<Measured>('creates', writers)
      await sleep(pace.warmUpMs)
      const wanted = { target: real.target, connections: 4, countMs: pace.countMs, versions }
      const [measured] = await Promise.all([reader.ask<Measured>('reads', wanted), writing])
      if (round === 0) continue
      p99s.push(measured.p99Ms)
      p50s.push(measured.p50Ms)
    }
    const measured = `p50 ${spread(p50s, 2)} ms, p99 ${spread(p99s, 1)} ms`
    return { name: 'reads beside 32 writers, p99', measured, value: median(p99s), goal: { kind: 'at most', value: 5, unit: ' ms' } }
  } finally {
    await reader.stop()
  }
}

/** What the process keeps after many creates, once garbage is collected. */
async function benchMemory(pace: Pace, { real, load }: Measuring): Promise<Line[]> {
  const portion = 20_000
  const run = async (creates: number) => {
    for (let left = creates; left > 0; left -= portion) {
      const wanted = { ...loadOf(real, pace, 32), warmUpMs: 0, countMs: 600_000, requests: Math.min(portion, left) }
      await load.ask<Measured>('creates', wanted)
    }
    return real.peer.ask<NodeJS.MemoryUsage>('memory')
  }
  const before = await run(portion)
  const after = await run(pace.memoryCreates)
  const inMb = (bytes: number) => bytes / 1024 / 1024
  const kept = inMb(after.heapUsed + after.external - before.heapUsed - before.external)
  const goal = { kind: 'at most', value: 10, unit: ' MB' } as const
  const measured = `heap and buffers ${inMb(after.heapUsed + after.external).toFixed(1)} MB, process ${inMb(after.rss).toFixed(0)} MB`
  const name = `kept after ${pace.memoryCreates.toLocaleString('en')} creates`
  return [
    { name, measured, value: kept, goal },
    {
      name: '  growth of the process',
      measured: `from ${inMb(before.rss).toFixed(0)} MB`,
      value: inMb(after.rss - before.rss),
      goal: { kind: 'at most', value: 50, unit: ' MB' },
    },
  ]
}
