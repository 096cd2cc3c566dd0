// `npm run bench`: sets the clone up, then runs the measurements with whatever arguments were given.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root, setup } from './setup.mjs'

await setup()
const compiled = pathToFileURL(join(root, 'bench', 'compiled.mjs')).href
const args = ['--import', 'tsx', '--import', compiled, join(root, 'bench', 'main.ts'), ...process.argv.slice(2)]
const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' })
child.on('close', (code) => process.exit(code ?? 1))
