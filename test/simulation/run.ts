// Runs seeds of the simulation one after another. `npm run test:simulation` runs 10,000; `-- --seed 42` replays one.
import { pathToFileURL } from 'node:url'
import { World } from './world.ts'

/** The failures of these seeds, each with the command that replays it. */
export function runSeeds(first: number, count: number, onSeed: (seed: number) => void = () => {}): string[] {
  const failed: string[] = []
  for (let seed = first; seed < first + count; seed++) {
    onSeed(seed)
    try {
      new World(seed).run()
    } catch (error) {
      failed.push(
        `seed ${seed}: ${error instanceof Error ? error.message : String(error)}\n  replay: npm run test:simulation -- --seed ${seed}`,
      )
    }
  }
  return failed
}

function main(args: readonly string[]): void {
  const valueOf = (flag: string) => (args.includes(flag) ? Number(args[args.indexOf(flag) + 1]) : undefined)
  const seed = valueOf('--seed')
  const count = seed === undefined ? (valueOf('--seeds') ?? 10_000) : 1
  if (seed !== undefined && Number.isNaN(seed)) throw new Error('--seed needs a number')
  const startedAtMs = Date.now()
  const failed = runSeeds(seed ?? 1, count, (at) => {
    if (at % 1000 === 0) console.log(`${at} seeds after ${Math.round((Date.now() - startedAtMs) / 1000)} s`)
  })
  for (const text of failed.slice(0, 20)) console.error(text)
  console.log(`${count} seeds, ${failed.length} failed, ${Math.round((Date.now() - startedAtMs) / 1000)} s`)
  process.exitCode = failed.length > 0 ? 1 : 0
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main(process.argv.slice(2))
