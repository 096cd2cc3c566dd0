// The agent from the command line: settings, then its life until a signal ends it. Also `install` and `uninstall`. Loads no
// more than that needs: the version that is confirmed on this node may be another one, which then runs in this process.
import { realpathSync } from 'node:fs'
import { agentUsage, ConfigError, parseConfig } from './config.ts'
import { launchConfirmed } from './upgrade/launch.ts'

/** Resolves with the exit code. `own` is the file that was started. */
export async function runAgent(args: readonly string[], own: string): Promise<number> {
  const [verb, ...rest] = args
  try {
    if (verb === 'install' || verb === 'uninstall') {
      const { runInstall } = await import('./install/run.ts')
      return await runInstall(verb, rest, own)
    }
    if (args.includes('--help') || args.includes('-h')) {
      process.stdout.write(agentUsage())
      return 0
    }
    await launchConfirmed({ args, environment: process.env, own, warn: (line) => void process.stderr.write(`littoral agent: ${line}\n`) })
    const config = parseConfig(args, process.env)
    const [{ startAgent }, { live }] = [await import('./agent.ts'), await import('./life.ts')]
    return await live({ config, args, own, log: (line) => void process.stdout.write(`${line}\n`), startAgent })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    process.stderr.write(`littoral agent: ${message}\n`)
    return error instanceof ConfigError ? 2 : 1
  }
}

const started = process.argv[1] === undefined ? '' : realpathSync(process.argv[1])
const isProgram = started === import.meta.filename && /[\\/]main\.[jt]s$/.test(started)
// A reader of our output may go away, such as a log collector that is started again: the agent goes on.
if (isProgram) for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
if (isProgram) process.exit(await runAgent(process.argv.slice(2), started))
