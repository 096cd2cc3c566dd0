// `npm run test:faults`: compiles what changed, then runs the fault suite in namespaces of its own (network, mounts,
// processes), so that it touches nothing else on the machine and leaves nothing behind. Needs root on Linux.
// Arguments: --rounds N, --seed N, --no-engine.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root, setup } from './setup.mjs'

if (process.platform !== 'linux' || process.getuid?.() !== 0) {
  console.error('The fault suite needs root on Linux: it makes namespaces, disks and an engine of its own.')
  process.exit(1)
}
try {
  await setup()
} catch (error) {
  console.error(error.message)
  process.exit(1)
}
const node = [process.execPath, '--import', 'tsx', '--conditions=littoral:source', join(root, 'test', 'faults', 'run.ts')]
// The shell is the first process of the namespace: it takes in processes that lost their parent.
const script = 'ip link set lo up; "$@" & child=$!; trap "kill $child" TERM INT; wait $child'
const apart = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
// Removed when the namespaces are gone, and with them everything that is mounted in it.
const folder = mkdtempSync(join(tmpdir(), 'lf-'))
const env = { ...process.env, TMPDIR: folder }
const child = spawn('unshare', [...apart, 'sh', '-c', script, 'sh', ...node, ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
  env,
})
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => child.kill('SIGTERM'))
child.on('error', (error) => {
  console.error(`unshare cannot be run (package util-linux): ${error.message}`)
  process.exit(1)
})
child.on('close', (code) => {
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
  process.exit(code ?? 1)
})
