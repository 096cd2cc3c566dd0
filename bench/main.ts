// `npm run bench [-- --quick] [--only store,creates,…]`: measures the promises about speed, each as a ratio to a floor or a
// peer measured in the same run. Ends with status 1 when a goal is missed.
import { type AgentPace, benchAgent } from './agent.ts'
import { benchCreates, type Pace } from './creates.ts'
import { benchDrivers } from './drivers.ts'
import { benchFirstAnswer } from './first-answer.ts'
import { rawFlushes } from './floors.ts'
import { startPeer } from './processes.ts'
import { benchReleases, type ReleasePace } from './releases.ts'
import { isMet, print, type Line } from './report.ts'
import { benchStore } from './store.ts'

const isQuick = process.argv.includes('--quick')
const pace: Pace = isQuick
  ? { rounds: 3, warmUpMs: 300, countMs: 1000, memoryCreates: 20_000 }
  : { rounds: 15, warmUpMs: 300, countMs: 1000, memoryCreates: 100_000 }
const releasePace: ReleasePace = isQuick ? { replicas: 5, rounds: 1 } : { replicas: 20, rounds: 3 }

const agentPace: AgentPace = isQuick
  ? { settleMs: 40_000, countMs: 30_000, powerCuts: 1 }
  : { settleMs: 60_000, countMs: 300_000, powerCuts: 5 }

const parts: Readonly<Record<string, () => Promise<Line[]>>> = {
  async store() {
    const flushes = rawFlushes(pace.countMs)
    const floor = { name: 'raw flushes of 12 KB', measured: `${Math.round(flushes).toLocaleString('en')}/s` }
    return [floor, ...(await benchStore(pace, flushes))]
  },
  async creates() {
    const load = startPeer('./load.ts')
    try {
      return await benchCreates(pace, load)
    } finally {
      await load.stop()
    }
  },
  answer: () => benchFirstAnswer(isQuick ? 3 : 10),
  drivers: () => benchDrivers(isQuick),
  agent: () => benchAgent(agentPace),
  releases: () => benchReleases(releasePace),
}

function chosen(): string[] {
  const at = process.argv.indexOf('--only')
  const names = at < 0 ? Object.keys(parts) : (process.argv[at + 1] ?? '').split(',')
  const unknown = names.find((name) => parts[name] === undefined)
  if (unknown === undefined) return names
  console.error(`There is no part ${unknown}; there are ${Object.keys(parts).join(', ')}.`)
  return process.exit(2)
}

const lines: Line[] = []
for (const name of chosen()) lines.push(...((await parts[name]?.()) ?? []))
print(lines)
if (lines.some((line) => isMet(line) === false)) process.exitCode = 1
