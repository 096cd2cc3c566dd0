// The gateway of bench/drivers.ts, in a process of its own: a real agent, and beside it the direct way to the same processes.
// Both start them from here, because what a start costs depends on the process it comes from. Questions: open, start, end.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startAgent, type Agent } from '../packages/agent/src/agent.ts'
import { parseConfig } from '../packages/agent/src/config.ts'
import { languages } from '../packages/agent/src/packages/languages.ts'
import { asUser } from '../packages/agent/src/runtime/process/launch.ts'
import { handOver } from '../packages/agent/src/runtime/process/users.ts'
import type { Gateway } from '../tools/journey/driver.ts'
import { answerQuestions } from './processes.ts'

const folder = mkdtempSync(join(tmpdir(), 'littoral-bench-'))
// The users of drivers have to get through.
chmodSync(folder, 0o711)
let agent: Agent | undefined
let children: ChildProcess[] = []

/** Starts the agent of a gateway. */
async function open({ url, gateway }: { url: string; gateway: Gateway }): Promise<void> {
  const identity = ['--gateway', `${gateway.productKey}/${gateway.deviceName}`, '--secret', gateway.deviceSecret]
  const config = parseConfig(['--server', url, '--data', join(folder, 'agent'), '--name', 'bench', '--runtime', 'process', ...identity], {})
  agent = await startAgent({ config, log: () => {}, firstPauseMs: 50 })
}

/** Numbers of users that nothing has, nor an agent gives away. */
const firstUser = 60_800

interface Starting {
  readonly names: readonly string[]
  readonly script: string
  /** Each with a user of its own, as the agent starts them where it is root. */
  readonly hasUsers: boolean
}

/** Starts a script once for each name, as the agent would if it did nothing else: no control group, no view of the files. */
async function start({ names, script, hasUsers }: Starting): Promise<void> {
  const users = hasUsers && process.getuid?.() === 0 ? names.map((_, at) => firstUser + at) : []
  const folderOf = (name: string) => join(folder, hasUsers ? 'users' : 'direct', name)
  for (const [at, name] of names.entries()) {
    const cwd = folderOf(name)
    mkdirSync(cwd, { recursive: true })
    writeFileSync(join(cwd, 'index.js'), script)
    if (users[at] !== undefined) await handOver(cwd, users[at])
  }
  children = names.map((name, at) => {
    const [cwd, uid] = [folderOf(name), users[at]]
    const { program, args } = languages.nodejs8.command({ program: process.execPath, options: [], folder: cwd })
    const line = uid === undefined ? [program, ...args] : asUser([program, ...args], { uid, groups: [] })
    const env = { PATH: process.env['PATH'], FUNCTION_NAME: name }
    return spawn(line[0] ?? '', line.slice(1), { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
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
