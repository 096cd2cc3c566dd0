// Starts the agent from the command line and stops it on a signal. Nothing else.
import { realpathSync } from 'node:fs'
import { startAgent } from './agent.ts'
import { agentUsage, ConfigError, parseConfig } from './config.ts'

/** Resolves with the exit code. Also called by `littoral agent` and `littoral up`. */
export async function runAgent(args: readonly string[]): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(agentUsage())
    return 0
  }
  try {
    const config = parseConfig(args, process.env)
    const agent = await startAgent({ config, log: (line) => process.stdout.write(`${line}\n`) })
    await untilStopped()
    await agent.stop()
    return 0
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    process.stderr.write(`littoral agent: ${message}\n`)
    return error instanceof ConfigError ? 2 : 1
  }
}

function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
  })
}

const isProgram = process.argv[1] !== undefined && realpathSync(process.argv[1]) === import.meta.filename
if (isProgram) process.exit(await runAgent(process.argv.slice(2)))
