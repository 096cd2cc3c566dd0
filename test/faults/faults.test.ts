// The short form of the fault suite (`npm run test:faults` is the long one): a few rounds with an engine of its own, a few with
// processes alone, each in namespaces of its own.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const isPossible = process.platform === 'linux' && process.getuid?.() === 0
const script = join(import.meta.dirname, '..', '..', 'tools', 'faults.mjs')
const rounds = process.env['LITTORAL_TEST_LONG'] ? 40 : 4

async function run(...args: string[]): Promise<string> {
  const child = spawn(process.execPath, [script, '--rounds', String(rounds), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text))
  await once(child, 'close')
  return said
}

describe.runIf(isPossible)('after random faults', () => {
  it('exactly the wanted containers and processes run, with a real engine', { timeout: 900_000 }, async () => {
    expect(await run('--seed', '5')).toContain(`${rounds} of ${rounds} rounds`)
  })

  it('exactly the wanted processes run, without an engine', { timeout: 900_000 }, async () => {
    expect(await run('--seed', '1', '--no-engine')).toContain(`${rounds} of ${rounds} rounds`)
  })
})
