// `npm run bench [-- --quick]`: measures the promises about speed, each as a ratio to a floor measured in the same run.
// Ends with status 1 when a goal is missed.
import { benchCreates, type Pace } from './creates.ts'
import { benchFirstAnswer } from './first-answer.ts'
import { rawFlushes } from './floors.ts'
import { startPeer } from './processes.ts'
import { benchReleases, type ReleasePace } from './releases.ts'
import { isMet, print, type Line } from './report.ts'
import { benchStore } from './store.ts'

const isQuick = process.argv.includes('--quick')
const pace: Pace = isQuick
  ? { rounds: 1, warmUpMs: 500, countMs: 1500, memoryCreates: 20_000 }
  : { rounds: 5, warmUpMs: 1000, countMs: 3000, memoryCreates: 100_000 }
const releasePace: ReleasePace = isQuick ? { replicas: 5, rounds: 1 } : { replicas: 20, rounds: 3 }

const load = startPeer('./load.ts')
try {
  const flushes = rawFlushes(pace.countMs)
  const lines: Line[] = [{ name: 'raw flushes of 12 KB', measured: `${Math.round(flushes).toLocaleString('en')}/s` }]
  lines.push(...(await benchStore(pace, flushes)))
  lines.push(...(await benchCreates(pace, load)))
  lines.push(...(await benchFirstAnswer(isQuick ? 3 : 10)))
  lines.push(...(await benchReleases(releasePace)))
  print(lines)
  if (lines.some((line) => isMet(line) === false)) process.exitCode = 1
} finally {
  await load.stop()
}
