// The command line's entry point, started by bin/littoral.
import { run } from './run.ts'

// Who reads may have enough of it, such as head: that is no fault. A full disk is one.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  process.stderr.write(`The output could not be written (${error.code ?? error.message}).\n`)
  process.exit(1)
})
process.stderr.on('error', () => {})

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  out: (text) => process.stdout.write(`${text}\n`),
  err: (text) => process.stderr.write(`${text}\n`),
})
