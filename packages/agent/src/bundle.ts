// Where the bundled agent begins (tools/bundle.mjs makes it): the whole agent is one file, and its first argument says which
// of its processes it is.
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'

const own = fileURLToPath(import.meta.url)
const [, , first] = process.argv
if (first === 'forwarder') {
  process.argv.splice(2, 1)
  await import('./forwarder/main.ts')
} else {
  // The agent waits most of its time. Compiling what is called often for speed, and room for many young objects, cost it six
  // megabytes and gain it nothing; the forwarder, which moves bytes, keeps both.
  for (const flag of ['--no-opt', '--no-sparkplug', '--semi-space-growth-factor=1']) setFlagsFromString(flag)
  const { runAgent } = await import('./main.ts')
  process.exit(await runAgent(process.argv.slice(2), own))
}
