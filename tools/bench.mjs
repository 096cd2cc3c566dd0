// `npm run bench`: sets the clone up, then runs the measurements with whatever arguments were given.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { root, setup } from './setup.mjs'

await setup()
const args = ['--import', 'tsx', '--conditions=littoral:source', join(root, 'bench', 'main.ts'), ...process.argv.slice(2)]
const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' })
child.on('close', (code) => process.exit(code ?? 1))
