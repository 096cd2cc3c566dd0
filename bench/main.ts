// `npm run bench [-- --quick] [-- --only agent,first-answer]`: measures the promises about speed, each as a ratio to a floor measured in the same run.
// Ends with status 1 when a goal is missed.
import { type AgentPace, benchAgent } from './agent.ts'
import { benchCreates, type Pace } from './creates.ts'
import { benchFirstAnswer } from './first-answer.ts'
import { rawFlushes } from './floors.ts'
import { startPeer } from './processes.ts'
import { isMet, print, type Line } from './report.ts'
import { benchStore } from './store.ts'

const isQuick = process.argv.includes('--quick')
const pace: Pace = isQuick
  ? { rounds: 1, warmUpMs: 500, countMs: 1500, memoryCreates: 20_000 }
  : { rounds: 5, warmUpMs: 1000, countMs: 3000, memoryCreates: 100_000 }

const agentPace: AgentPace = isQuick
  ? { settleMs: 40_000, countMs: 30_000, powerCuts: 1 }
  : { settleMs: 60_000, countMs: 300_000, powerCuts: 5 }

async function benchServer(): Promise<Line[]> {
  const load = startPeer('./load.ts')
  try {
    const flushes = rawFlushes(pace.countMs)
    const floor: Line = { name: 'raw flushes of 12 KB', measured: `${Math.round(flushes).toLocaleString('en')}/s` }
    return [floor, ...(await benchStore(pace, flushes)), ...(await benchCreates(pace, load))]
  } finally {
    await load.stop()
  }
}

/** By the name that --only takes. */
const parts: Readonly<Record<string, () => Promise<Line[]>>> = {
  server: benchServer,
  'first-answer': () => benchFirstAnswer(isQuick ? 3 : 10),
  agent: () => benchAgent(agentPace),
}

const at = process.argv.indexOf('--only')
const names = at < 0 ? Object.keys(parts) : (process.argv[at + 1] ?? '').split(',')
const strange = names.find((name) => !(name in parts))
if (strange !== undefined) throw new Error(`--only takes ${Object.keys(parts).join(', ')}, not "${strange}"`)
const lines: Line[] = []
for (const name of names) lines.push(...((await parts[name]?.()) ?? []))
print(lines)
if (lines.some((line) => isMet(line) === false)) process.exitCode = 1
