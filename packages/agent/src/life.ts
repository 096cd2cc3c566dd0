// The life of an agent's process: the agent runs until it is stopped or hands over to a new one. A new agent that does not
// confirm is ended, and the old one starts again where it let go: its containers and ports went on meanwhile, its driver
// processes are started anew. docs/decisions/0009-agent-upgrade.md says why it is done like this.
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Agent, AgentOptions } from './agent.ts'
import type { AgentConfig } from './config.ts'
import { digestOf } from './upgrade/kept.ts'
import { joinTrial, type OnTrial } from './upgrade/on-trial.ts'
import { endStrayTrial, type Trial } from './upgrade/trial.ts'
import { type HandOver, Upgrader } from './upgrade/upgrader.ts'

/** Asks whoever started this process to start it again; by then another version is confirmed. */
export const startAgainCode = 83
/** Who starts this process again: systemd, or an older agent that stays as its parent. */
const supervisorVariable = 'LITTORAL_SUPERVISOR'
const mostStarts = 5

export interface Life {
  readonly config: AgentConfig
  readonly args: readonly string[]
  /** The file that runs, to be started again and to compare with. */
  readonly own: string
  readonly log: (line: string) => void
  readonly startAgent: (options: AgentOptions) => Promise<Agent>
}

/** Resolves with the exit code. */
export async function live(life: Life): Promise<number> {
  const stopping = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stopping.abort())
  const onTrial = joinTrial(process.env)
  if (onTrial) {
    if (!(await onTrial.ready())) return 0
  } else if (await endStrayTrial(life.config.dataDir)) {
    life.log('ended an agent that was on trial when its parent died')
  }
  const upgrader = new Upgrader({
    dataDir: life.config.dataDir,
    args: life.args,
    ownDigest: await digestOf(life.own),
    isOnTrial: () => onTrial?.isConfirmed === false,
    log: life.log,
  })
  void onTrial?.stays.then(() => upgrader.inCharge())
  try {
    return await liveOn(life, { stopping: stopping.signal, onTrial, upgrader })
  } finally {
    await upgrader.close()
  }
}

interface Surroundings {
  readonly stopping: AbortSignal
  readonly onTrial: OnTrial | undefined
  readonly upgrader: Upgrader
}

async function liveOn(life: Life, { stopping, onTrial, upgrader }: Surroundings): Promise<number> {
  const stopped = new Promise<undefined>((resolve) => {
    stopping.addEventListener('abort', () => resolve(undefined))
    void onTrial?.left.then(() => resolve(undefined))
  })
  for (let isFirst = true; !stopping.aborted; isFirst = false) {
    const next = upgrader.next()
    const agent = await start(life, { onTrial, upgrader }, isFirst)
    const handOver = await Promise.race([stopped, next])
    await agent.stop()
    if (handOver === undefined) return 0
    const code = await giveUp(life, handOver, { stopping, upgrader })
    if (code !== undefined) return code
  }
  return 0
}

/** The first start may fail with a reason for the operator; after that the node was running, so it is tried again. */
async function start(life: Life, { onTrial, upgrader }: Pick<Surroundings, 'onTrial' | 'upgrader'>, isFirst: boolean): Promise<Agent> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await life.startAgent({
        config: life.config,
        log: life.log,
        onUpgrade: (request, ways) => upgrader.take(request, ways),
        onContact: (contact) => onTrial?.contact(contact),
      })
    } catch (error) {
      if (isFirst || attempt >= mostStarts) throw error
      life.log(`the agent could not be started again: ${error instanceof Error ? error.message : String(error)}`)
      await sleep(1000 * attempt)
    }
  }
}

/** Lets the new agent try; the exit code when it is in charge or nobody should be, undefined when this one goes on. */
async function giveUp(
  life: Life,
  { request, trial }: HandOver,
  { stopping, upgrader }: Pick<Surroundings, 'stopping' | 'upgrader'>,
): Promise<number | undefined> {
  const end = await trial.takeOver(request.confirmSeconds * 1000, stopping)
  if (stopping.aborted && !end.isConfirmed) return 0
  if (!end.isConfirmed) {
    await upgrader.failed(request, end)
    return undefined
  }
  await upgrader.confirmed(request)
  if (process.env[supervisorVariable] === undefined) return stayAsParent(life, trial, stopping)
  // Whoever watches over this process would lose sight of the new one: both end, and the next start takes the new version.
  await trial.end()
  return startAgainCode
}

/** Nobody starts this process again, so it stays, passes signals on, and starts the agent again when that asks for it. */
async function stayAsParent({ own, args }: Life, trial: Trial, stopping: AbortSignal): Promise<number> {
  trial.stay()
  let kill = (signal: NodeJS.Signals) => trial.kill(signal)
  const passOn = () => kill('SIGTERM')
  stopping.addEventListener('abort', passOn)
  if (stopping.aborted) passOn()
  let code = await trial.exited()
  while (code === startAgainCode && !stopping.aborted) {
    const env = { ...process.env, [supervisorVariable]: 'agent' }
    const child = spawn(process.execPath, [...process.execArgv, own, ...args], {
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
    })
    kill = (signal) => void child.kill(signal)
    code = await new Promise<number>((resolve) => {
      child.once('error', () => resolve(1))
      child.once('exit', (exitCode) => resolve(exitCode ?? 1))
    })
  }
  return code
}
