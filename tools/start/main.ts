// `npm start`: makes sure of a container engine, starts the server and one local node, walks the journey of an app and of a
// driver with the official clients, and ends with a summary. Keeps serving; with --once it verifies, cleans up and ends.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { ensureEngine, type EngineHandle } from '../engine.ts'
import { registerGateway } from '../journey/driver.ts'
import type { Key } from '../official-clients.ts'
import { readMemory, writeMemory, type Memory } from './memory.ts'
import { joinNode, startServer } from './parts.ts'
import type { Part } from './processes.ts'
import { removeApp, runApp, type AppOutcome } from './sample-app.ts'
import { iotCall, runDriver, type DriverOutcome } from './sample-driver-part.ts'
import { openScreen, sentence, type Screen } from './screen.ts'
import { readSettings, type StartSettings } from './settings.ts'
import { printSummary } from './summary.ts'
import { driverLines } from './driver-lines.ts'

interface Run {
  readonly root: string
  readonly settings: StartSettings
  readonly screen: Screen
  readonly memory: Memory
  readonly remember: () => void
  /** What has to be undone, in the order it was done. */
  readonly undo: (() => Promise<void> | void)[]
  readonly problems: string[]
  /** Being interrupted is the usual end once everything is up, and a failure before. */
  readonly progress: { isServing: boolean }
}

/** Resolves with the exit code. */
export async function main(args: readonly string[], root: string): Promise<number> {
  const screen = openScreen()
  let settings: StartSettings
  try {
    settings = await readSettings(args, root)
  } catch (error) {
    console.error(sentence(error))
    return 1
  }
  const memory = readMemory(settings.dataFolder)
  const remember = () => writeMemory(settings.dataFolder, memory)
  const run: Run = { root, settings, screen, memory, remember, undo: [], problems: [], progress: { isServing: false } }
  const interrupted = whenInterrupted()
  try {
    return await Promise.race([walk(run, interrupted), interrupted.then(() => (run.progress.isServing ? 0 : 130))])
  } catch (error) {
    console.error(`\n${sentence(error)}`)
    return 1
  } finally {
    await undoAll(run)
  }
}

async function walk(run: Run, interrupted: Promise<void>): Promise<number> {
  const { settings, screen } = run
  screen.heading('Littoral')
  if (settings.portNote) screen.line(`  ${settings.portNote}`)
  const engine = await findEngine(run)
  const server = await startServer({ ...run, engineSocket: engine?.socketPath })
  run.undo.push(() => server.part.stop())
  const gateway = await knownGateway(run, server)
  const node = await joinNode({ ...run, url: server.url, key: server.key, gateway, engineSocket: engine?.socketPath })
  run.undo.push(() => node.part.stop())

  const shared = { screen, url: server.url, key: server.key, memory: run.memory, remember: run.remember }
  let app: AppOutcome | undefined
  if (engine) {
    screen.heading('An app, through @alicloud/esa20240910')
    app = await attempt(run, () => runApp({ ...shared, engineSocket: engine.socketPath }))
  }
  screen.heading('A driver, through @alicloud/iot20180120')
  const readLines = driverLines(join(settings.dataFolder, 'agent'))
  const driver = await attempt(run, () => runDriver({ ...shared, gateway, readLines }))
  printSummary(screen, {
    ...server,
    dataFolder: settings.dataFolder,
    nodeId: node.nodeId,
    app,
    driver,
    problems: run.problems,
    isOnce: settings.isOnce,
  })
  if (settings.isOnce) return finish(run, server, { app, driver })
  run.progress.isServing = true
  screen.line('\nServing until Ctrl-C. The app’s container stays on the engine; the next npm start finds it again.')
  await Promise.race([interrupted, firstEnd([server.part, node.part])])
  return 0
}

/** The engine, or undefined and one sentence when this machine cannot have one. */
async function findEngine(run: Run): Promise<EngineHandle | undefined> {
  try {
    return await run.screen.step('container engine', async (say) => {
      const engine = await ensureEngine(say)
      if (run.settings.isOnce) run.undo.push(() => engine.stop())
      say(engine.socketPath)
      return engine
    })
  } catch (error) {
    // Not this machine's fault alone: where an engine could have been started and was not, the walk has failed.
    if (!sentence(error).startsWith('no container engine answers')) run.problems.push(sentence(error))
    run.screen.line('    Going on with drivers as processes; apps need Docker or Podman.')
    return undefined
  }
}

async function knownGateway(run: Run, server: { url: string; key: Key }): Promise<NonNullable<Memory['gateway']>> {
  const call = iotCall(server)
  const { gateway } = run.memory
  if (gateway && (await isRegistered(call, gateway.iotId))) return gateway
  const suffix = Date.now().toString(36)
  const made = await run.screen.step('this machine in the device registry', async (say) => {
    const registered = await registerGateway(call, { product: `gateways_${suffix}`, device: `local-${suffix}` })
    say(`${registered.productKey}/${registered.deviceName}`)
    return registered
  })
  run.memory.gateway = made
  run.remember()
  return made
}

async function isRegistered(call: ReturnType<typeof iotCall>, iotId: string): Promise<boolean> {
  try {
    await call('QueryDeviceDetail', { IotId: iotId })
    return true
  } catch {
    return false
  }
}

/** A part of the journey that failed is told, and the rest goes on. */
async function attempt<T>(run: Run, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    run.problems.push(sentence(error))
    return undefined
  }
}

async function finish(
  run: Run,
  server: { url: string; key: Key },
  made: { app: AppOutcome | undefined; driver: DriverOutcome | undefined },
): Promise<number> {
  const { app } = made
  if (app) {
    await attempt(run, () => run.screen.step('cleaning up', () => removeApp(server, app.appId)))
  }
  for (const problem of run.problems) console.error(`Failed: ${problem}`)
  return run.problems.length > 0 ? 1 : 0
}

function firstEnd(parts: readonly Part[]): Promise<void> {
  return new Promise((_resolve, reject) => {
    for (const part of parts)
      part.onEnd((lastWords) => reject(new Error(`${part.name} has ended: ${lastWords} (all of it: ${part.logPath})`)))
  })
}

function whenInterrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
  })
}

async function undoAll(run: Run): Promise<void> {
  for (const undo of run.undo.reverse()) {
    try {
      await undo()
    } catch (error) {
      console.error(`While cleaning up: ${sentence(error)}`)
    }
  }
  if (run.settings.isFolderOurs) rmSync(run.settings.dataFolder, { recursive: true, force: true })
}
