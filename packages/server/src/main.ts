// The server's entry point, started by `littoral serve`: configuration, start, the one line on stdout that scripts wait
// for, and a clean stop on SIGTERM or SIGINT. Everything that keeps it from starting is one sentence on stderr, exit code 1.
import { parseArgs } from 'node:util'
import { ConfigError, configReference, readConfig, unknownVariables } from './config.ts'
import { keepRequestsYoung } from './heap.ts'
import { jsonLog } from './log.ts'
import { openServer, StartupError } from './server.ts'

/** A part that hangs must not keep the process from ending. */
const stopLimitMs = 15_000

// Whatever is written into the data folder is for this user alone.
process.umask(0o077)
keepRequestsYoung()

// A reader of our output may go away, such as head or a log collector that is started again: the server goes on.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

const log = jsonLog((line) => process.stderr.write(line))

try {
  await main(process.argv.slice(2))
} catch (error) {
  const isForPeople = error instanceof ConfigError || error instanceof StartupError
  process.stderr.write(`${isForPeople ? error.message : `The server could not start: ${(error as Error).stack ?? String(error)}`}\n`)
  process.exit(1)
}

async function main(args: string[]): Promise<void> {
  const flags = readFlags(args)
  if (flags.help) return void process.stdout.write(`littoral serve [--listen <host:port>] [--data <folder>]\n\n${configReference()}\n`)
  const env = {
    ...process.env,
    ...(flags.listen === undefined ? {} : { LITTORAL_LISTEN: flags.listen }),
    ...(flags.data === undefined ? {} : { LITTORAL_DATA: flags.data }),
  }
  const config = readConfig(env)
  // Until it is up nothing needs closing in order: an early signal just ends the process.
  const server = await openServer(config, { log })
  let isStopping = false
  const stop = (signal: string) => {
    // The other signal is no second wish: Ctrl-C reaches a server and its parent, and the parent passes it on in its own way.
    if (isStopping) return
    isStopping = true
    log.info({ signal }, 'stopping; once more to stop at once')
    setTimeout(() => process.exit(1), stopLimitMs).unref()
    server.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'the server did not stop cleanly')
        process.exit(1)
      },
    )
  }
  // Only once each: the same signal again has its usual effect, which is the end of the process.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop)
  const unknown = unknownVariables(process.env)
  if (unknown.length > 0) log.warn({ variables: unknown }, 'variables that mean nothing to Littoral')
  if (!config.rootKey) log.info({ accessKeyId: server.rootKey.accessKeyId, dataFolder: config.dataFolder }, 'the key is in root-key.json')
  process.stdout.write(`listening on ${server.url}\n`)
}

function readFlags(args: string[]) {
  try {
    return parseArgs({
      args,
      options: { listen: { type: 'string' }, data: { type: 'string' }, help: { type: 'boolean', short: 'h', default: false } },
    }).values
  } catch (error) {
    throw new ConfigError(
      `${(error as Error).message.split(/\.(?:\s|$)/)[0]}. Write: littoral serve [--listen <host:port>] [--data <folder>]`,
    )
  }
}
