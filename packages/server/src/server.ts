// The composition root: opens every part of one server process in order, and closes them in the reverse one. The only
// file that knows every part.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { family as edgeContainerFamily } from '@littoral/contract/edge-container/index'
import { family as iotEdgeFamily } from '@littoral/contract/iot-edge/index'
import { family as littoralFamily } from '@littoral/contract/littoral/index'
import { auditedStore } from './audited.ts'
import type { Config } from './config.ts'
import { noteEndpoint, openDataFolder } from './data-folder.ts'
import { imageHoldMs } from './domain/rollout.ts'
import { createApp } from './http/app.ts'
import { mountConsole, redirectBrowsers } from './http/console.ts'
import { createRegistry } from './http/registry.ts'
import { randomIds } from './ids.ts'
import { listen } from './listen.ts'
import { deployments } from './loops/deployments.ts'
import { images } from './loops/images.ts'
import { leftovers } from './loops/leftovers.ts'
import { livenessSince } from './loops/liveness.ts'
import { logRivers } from './loops/log-rivers.ts'
import { type Loop, type RunningLoop, startLoop } from './loops/loop.ts'
import { reaper } from './loops/reaper.ts'
import { rolloutsSince } from './loops/rollouts.ts'
import { upgradesLoop } from './loops/upgrades.ts'
import { openAgentBundles } from './nodes/agent-bundles.ts'
import { mountAgentDoor } from './nodes/agent-door.ts'
import { openDoors } from './nodes/doors.ts'
import { mountDownloads } from './nodes/downloads.ts'
import { NodeHub } from './nodes/hub.ts'
import { mountNodeQuestions } from './nodes/node-questions.ts'
import { openObjects } from './objects/objects.ts'
import type { Log, Services } from './operations/context.ts'
import { handlers as edgeContainer } from './operations/edge-container/index.ts'
import { handlers as iotEdge } from './operations/iot-edge/index.ts'
import { handlers as littoral } from './operations/littoral/index.ts'
import { imageSecrets } from './registry/image-secrets.ts'
import { openRegistries } from './registry/manifest.ts'
import { ensureRootKey, type RootKey, storeRootKey } from './root-key.ts'
import { openCredentials } from './store/credentials.ts'
import { ensureInstallation } from './store/installation.ts'
import { sealPlainSecrets } from './store/iot-edge/device-secrets.ts'
import { gatewayDirectory } from './store/iot-edge/devices.ts'
import { openNonces } from './store/nonces.ts'
import { openStore } from './store/open.ts'
import { loadSecretBox } from './store/secret-box.ts'

export { StartupError } from './store/startup-error.ts'

export interface RunningServer {
  /** http://host:port as bound. */
  readonly url: string
  readonly rootKey: RootKey
  /** Ends everything; each part is waited for, but not for ever. */
  stop(): Promise<void>
}

export interface ServerOptions {
  readonly log: Log
  readonly now?: () => number
}

/** Opens a server; throws StartupError with one sentence when it cannot, with nothing left open. */
export async function openServer(config: Config, { log, now = Date.now }: ServerOptions): Promise<RunningServer> {
  const closers: Closers = []
  const closeAll = async () => {
    for (const close of closers.toReversed()) await close()
  }
  let stopped: Promise<void> | undefined
  // Who asks a second time, by another signal for example, waits for the same end.
  const stop = () => (stopped ??= closeAll())
  try {
    return { ...(await compose(config, { log, now }, closers)), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Calls that are being answered when the server stops get this long. */
const closeTimeoutMs = 5000

/** The agent that npm run build put together; the same place from src and from dist. */
const ownBundle = fileURLToPath(new URL('../../agent/dist/littoral-agent.mjs', import.meta.url))

const families = [
  { family: edgeContainerFamily, handlers: edgeContainer },
  { family: iotEdgeFamily, handlers: iotEdge },
  { family: littoralFamily, handlers: littoral },
]

type Closers = (() => Promise<void> | void)[]

async function compose(config: Config, { log, now }: Required<ServerOptions>, closers: Closers): Promise<Omit<RunningServer, 'stop'>> {
  const kept = await openKept(config, { log, now }, closers)
  const { store, box, credentials, nonces, objects, rootKey } = kept
  const { settings, dataFolder } = config
  const gateways = gatewayDirectory(store, box)
  const agents = openAgentBundles({ own: ownBundle, folder: join(dataFolder, 'agents') })
  const hub = new NodeHub({ store, now, ids: randomIds, log, settings, gateways })
  const services: Services = { store, now, ids: randomIds, log, settings, nodes: hub, objects, agents, box }
  const doors = openDoors({ store, now, log, settings, hub })
  const registry = createRegistry(families)
  const loops: RunningLoop[] = []
  const app = createApp({
    registry,
    services,
    credentials,
    nonces,
    storeFor: (principal, call) => auditedStore(services, principal, call),
    mounts: [
      (scope) => mountDownloads(scope, { ...services, gateways, files: objects }),
      (scope) => mountNodeQuestions(scope, { ...services, gateways }),
      (scope) => mountAgentDoor(scope, { bundles: agents, log }),
      (scope) => objects.mount(scope),
      (scope) => doors.mount(scope),
      (scope) => mountConsole(scope, { registry, services, credentials, loops: () => loops.map((running) => running.status()) }),
    ],
  })
  closers.push(() => closeApp(app))
  redirectBrowsers(app)
  hub.attach(app.server, doors.upgrades)
  closers.push(
    () => hub.stop(),
    () => doors.stop(),
  )
  const url = await listen(app, config.listen)
  loops.push(...loopsOf(kept, settings, now()).map((declared) => startLoop(declared, services)))
  closers.push(...loops.map((running) => () => running.stop()))
  closers.push(await noteEndpoint(dataFolder, url))
  return { url, rootKey }
}

function loopsOf({ store, box, objects }: Awaited<ReturnType<typeof openKept>>, settings: Config['settings'], nowMs: number): Loop[] {
  const resolving = images({ resolve: openRegistries(settings), credentialFor: imageSecrets(store, box) })
  return [
    rolloutsSince(nowMs, imageHoldMs),
    deployments,
    livenessSince(nowMs),
    reaper,
    resolving,
    logRivers,
    upgradesLoop,
    leftovers(objects),
  ]
}

/** Answers what is under way, but not for ever: a connection that never asked anything would hold it up until it is given up. */
async function closeApp(app: ReturnType<typeof createApp>): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), closeTimeoutMs)
  // A connection whose call is answered from now on would else be kept for its next one, and be waited for.
  app.server.keepAliveTimeout = 1
  await app.close()
  clearTimeout(timer)
}

/** Everything that lies in the data folder. */
async function openKept(config: Config, { log, now }: Required<ServerOptions>, closers: Closers) {
  const { dataFolder, settings, sqliteDriver: driver } = config
  await openDataFolder(dataFolder)
  const store = await openStore({ file: join(dataFolder, 'littoral.db'), ...(driver && { driver }), now, log })
  closers.push(() => store.close())
  const box = await loadSecretBox(dataFolder)
  const sealed = await sealPlainSecrets(store, box)
  if (sealed > 0) log.info({ sealed }, 'device secrets of an older version were sealed')
  const { accountId } = await ensureInstallation(store, { accountId: randomIds.digits(16), createdAtMs: now() })
  const rootKey = await ensureRootKey(config, randomIds)
  await storeRootKey(store, box, { rootKey, accountId, nowMs: now() })
  const credentials = openCredentials(store, box)
  closers.push(() => credentials.close())
  const nonces = await openNonces(store, now)
  closers.push(() => nonces.close())
  const s3 = config.objects && { s3: config.objects }
  const objects = await openObjects({ folder: join(dataFolder, 'objects'), store, now, log, settings, credentials, ...s3 })
  closers.push(() => objects.close())
  return { store, box, credentials, nonces, objects, rootKey }
}
