// The fault suite: rounds of random faults against a real server, a real agent, real driver processes and a real container
// engine. After each round everything is healed, and then exactly what is wanted has to run, by digest, and nothing else.
// Started by tools/faults.mjs inside namespaces of its own. Prints the seed and how to replay a round that failed.
import { setTimeout as sleep } from 'node:timers/promises'
import { Random } from '../simulation/random.ts'
import { pickFault, pullPlug } from './faults.ts'
import { openWorld, type World } from './world.ts'

interface Options {
  readonly rounds: number
  readonly seed: number
  readonly hasEngine: boolean
}

/** Backoffs of restarts are part of what is tested; they last a minute at most for what a round can do. */
const convergeMs = 150_000

/** The story of one round, from its own random numbers, so that it can be told again without those before it. */
async function runRound(world: World, seed: number, hasEngine: boolean): Promise<string[]> {
  const random = new Random(seed)
  const story: string[] = []
  if (random.chance(0.15)) {
    await pullPlug(world)
    await world.agent.start()
    story.push('the plug was pulled')
    await converge(world, 'without a server', () => world.missing())
  }
  for (let count = random.between(1, 4); count > 0; count -= 1) {
    const fault = pickFault(random, hasEngine)
    story.push(`${fault.name}: ${await fault.strike(world, random)}`)
    await sleep(random.between(0, 400))
  }
  await world.heal()
  return story
}

/** Waits until nothing is wrong, twice in a row. */
async function converge(world: World, when: string, ask: () => Promise<string[]>): Promise<number> {
  const startedAtMs = performance.now()
  let last: string[] = []
  for (let good = 0; good < 2;) {
    last = await ask().catch((error: unknown) => [`cannot be asked: ${error instanceof Error ? error.message : String(error)}`])
    good = last.length === 0 ? good + 1 : 0
    if (performance.now() - startedAtMs > convergeMs) throw new Error(`${when}: ${last.join('; ')}\n--- agent\n${world.agent.said()}`)
    await sleep(good === 0 ? 250 : 100)
  }
  return Math.round(performance.now() - startedAtMs)
}

async function main({ rounds, seed, hasEngine }: Options): Promise<void> {
  const what = `${rounds} rounds from seed ${seed}${hasEngine ? '' : ', without an engine'}`
  console.log(what)
  const world = await openWorld({ hasEngine })
  const startedAtMs = performance.now()
  let done = 0
  try {
    await converge(world, 'before the first round', () => world.problems())
    for (; done < rounds; done += 1) {
      const roundSeed = seed + done
      let story: string[] = []
      try {
        story = await runRound(world, roundSeed, hasEngine)
        const tookMs = await converge(world, 'after the round', () => world.problems())
        console.log(`round ${done + 1} (seed ${roundSeed}): ${story.join(' · ')} → ${(tookMs / 1000).toFixed(1)} s`)
      } catch (error) {
        console.error(
          `round ${done + 1} (seed ${roundSeed}) failed: ${story.join(' · ')}\n${error instanceof Error ? error.message : String(error)}`,
        )
        console.error(`replay: npm run test:faults -- --seed ${roundSeed} --rounds 1${hasEngine ? '' : ' --no-engine'}`)
        process.exitCode = 1
        return
      }
    }
  } finally {
    const minutes = (performance.now() - startedAtMs) / 60_000
    console.log(`${done} of ${rounds} rounds, ${(done / minutes).toFixed(1)} a minute, ${world.retries.count} releases had to be resumed`)
    await world.close()
  }
}

function readOptions(args: readonly string[]): Options {
  const valueOf = (flag: string, usual: number) => {
    if (!args.includes(flag)) return usual
    const value = Number(args[args.indexOf(flag) + 1])
    if (!Number.isInteger(value) || value < 1) throw new Error(`${flag} needs a whole number above 0`)
    return value
  }
  return { rounds: valueOf('--rounds', 500), seed: valueOf('--seed', 1), hasEngine: !args.includes('--no-engine') }
}

await main(readOptions(process.argv.slice(2)))
