// `npm test`: sets the clone up, then runs vitest with whatever arguments were given. With --all the long forms of the
// crash and simulation tests run too.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { root, setup } from './setup.mjs'

const args = process.argv.slice(2)
const isAll = args.includes('--all')
try {
  await setup()
} catch (error) {
  console.error(error.message)
  process.exit(1)
}
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const child = spawn(process.execPath, [vitest, 'run', ...args.filter((arg) => arg !== '--all')], {
  cwd: root,
  stdio: 'inherit',
  env: isAll ? { ...process.env, LITTORAL_TEST_LONG: '1' } : process.env,
})
child.on('close', (code) => process.exit(code ?? 1))
