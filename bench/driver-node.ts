// The gateway of bench/drivers.ts, in a process of its own: a real agent, and beside it the direct way to the same processes.
// Both start them from here, because what a start costs depends on the process it comes from. Questions: open, start, end.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startAgent, type Agent } from '../packages/agent/src/agent.ts'
import { parseConfig } from '../packages/agent/src/config.ts'
import { languages } from '../packages/agent/src/packages/languages.ts'
import type { Gateway } from '../tools/journey/driver.ts'
import { answerQuestions } from './processes.ts'

const folder = mkdtempSync(join(tmpdir(), 'littoral-bench-'))
let agent: Agent | undefined
let children: ChildProcess[] = []

/** Starts the agent of a gateway. */
async function open({ url, gateway }: { url: string; gateway: Gateway }): Promise<void> {
  const identity = ['--gateway', `${gateway.productKey}/${gateway.deviceName}`, '--secret', gateway.deviceSecret]
  const config = parseConfig(['--server', url, '--data', join(folder, 'agent'), '--name', 'bench', '--runtime', 'process', ...identity], {})
  agent = await startAgent({ config, log: () => {}, firstPauseMs: 50 })
}

/** Starts a script once for each name, as the agent would if it did nothing else. */
async function start({ names, script }: { names: readonly string[]; script: string }): Promise<void> {
  for (const name of names) {
    const cwd = join(folder, 'direct', name)
    mkdirSync(cwd, { recursive: true })
    writeFileSync(join(cwd, 'index.js'), script)
  }
  children = names.map((name) => {
    const cwd = join(folder, 'direct', name)
    const { program, args } = languages.nodejs8.command({ program: process.execPath, options: [], folder: cwd })
    const env = { PATH: process.env['PATH'], FUNCTION_NAME: name }
    return spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  })
}

async function end(): Promise<void> {
  const ends = children.map(async (child) => (child.exitCode === null ? once(child, 'exit') : undefined))
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await Promise.all(ends)
}

answerQuestions({ open, start, end }, async () => {
  await end()
  await agent?.stop()
  rmSync(folder, { recursive: true, force: true })
})
