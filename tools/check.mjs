// `npm run check`: types, lint, format, import rules. All four run, so one call shows everything there is to mend.
// `npm run check -- --fix` lets the formatter and the linter mend what they can first.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './setup.mjs'

const bin = (name) => join(root, 'node_modules', '.bin', name)
const folders = ['packages', 'tools', 'test', 'bench'].filter((name) => existsSync(join(root, name)))
const isFixing = process.argv.includes('--fix')
if (isFixing) {
  spawnSync(bin('oxlint'), ['--fix'], { cwd: root, stdio: 'ignore' })
  spawnSync(bin('oxfmt'), ['.'], { cwd: root, stdio: 'inherit' })
}

const checks = [
  { name: 'types', command: 'tsc', args: ['--noEmit', '-p', 'tsconfig.check.json'] },
  { name: 'lint', command: 'oxlint', args: [] },
  { name: 'format', command: 'oxfmt', args: ['--check', '.'] },
  { name: 'imports', command: 'depcruise', args: ['--config', '.dependency-cruiser.cjs', '--output-type', 'err', ...folders] },
]

const failed = []
for (const { name, command, args } of checks) {
  const startedAt = Date.now()
  const result = spawnSync(bin(command), args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 })
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1)
  if (result.status === 0) {
    console.log(`ok    ${name} (${seconds} s)`)
    continue
  }
  failed.push(name)
  console.log(`wrong ${name} (${seconds} s)`)
  console.log((result.stdout + result.stderr).trim() || String(result.error))
}
if (failed.length > 0) console.error(`\nNot in order: ${failed.join(', ')}`)
process.exitCode = failed.length > 0 ? 1 : 0
