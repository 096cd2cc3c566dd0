// One node, one server, one link, one disk and perhaps one engine, all real and all of this run's own.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { registerGateway, throwing } from '../../tools/journey/driver.ts'
import { until } from '../../tools/journey/wait.ts'
import { sdkCall } from '../../tools/official-clients.ts'
import { type Disk, openDisk } from './disk.ts'
import { type OwnEngine, openOwnEngine } from './engine.ts'
import { type Intent, openIntent, type WantedDriver } from './intent.ts'
import { freePort, type Link, openLink, openPart, type Part } from './parts.ts'
import { judgeContainers, judgeDrivers, seeContainers, seeDrivers, seeStrangers } from './truth.ts'

export interface World {
  readonly server: Part
  readonly agent: Part
  readonly link: Link
  readonly disk: Disk
  readonly engine: OwnEngine | undefined
  readonly intent: Intent
  /** Releases that stopped and deployments that failed in the midst of faults, and were asked for again. */
  readonly retries: { count: number }
  /** Everything that was broken works again. */
  heal(): Promise<void>
  /** What is not as it should be at this moment. */
  problems(): Promise<string[]>
  /** What does not run although it is wanted, whatever its version; without asking the server. */
  missing(): Promise<string[]>
  close(): Promise<void>
}

const key = { accessKeyId: 'LTAIfaults', accessKeySecret: 'faults-secret' }

export async function openWorld({ hasEngine }: { hasEngine: boolean }): Promise<World> {
  // Inside a folder that tools/faults.mjs removes in the end.
  const folder = mkdtempSync(join(tmpdir(), 'w-'))
  const port = await freePort()
  const server = openPart({
    program: 'server',
    args: ['--listen', `127.0.0.1:${port}`, '--data', join(folder, 'server')],
    env: {
      LITTORAL_ACCESS_KEY_ID: key.accessKeyId,
      LITTORAL_ACCESS_KEY_SECRET: key.accessKeySecret,
      LITTORAL_THROTTLE: 'off',
      LITTORAL_HEARTBEAT_MS: '500',
      // A long run asks for more versions than an account may have.
      LITTORAL_LIMIT_VERSIONS_PER_APP: '100000',
      LITTORAL_LIMIT_VERSIONS_PER_DRIVER: '100000',
    },
    log: join(folder, 'server.log'),
    readyLine: 'listening on',
  })
  await server.start()
  const url = `http://127.0.0.1:${port}`
  const gateway = await registerGateway(throwing(sdkCall('@alicloud/iot20180120', url, key)), { product: 'gateways', device: 'gateway-1' })
  const intent = openIntent(url, key, gateway)
  const link = await openLink(port)
  const engine = hasEngine ? await openOwnEngine(join(folder, 'engine')) : undefined
  const disk = openDisk(join(folder, 'agent'))
  const joining = ['--gateway', `${gateway.productKey}/${gateway.deviceName}`, '--secret', gateway.deviceSecret]
  const runtime = hasEngine ? 'engine,process' : 'process'
  const agent = openPart({
    program: 'agent',
    args: ['--server', `http://127.0.0.1:${link.port}`, '--data', disk.folder, '--runtime', runtime, '--name', 'n1', ...joining],
    env: { HOME: folder, ...(engine && { LITTORAL_ENGINE_SOCKET: engine.socketPath }) },
    log: join(folder, 'agent.log'),
  })
  await agent.start()
  const retries = { count: 0 }
  const parts = { server, agent, link, disk, engine, intent, retries }
  const world: World = {
    ...parts,
    heal: () => heal(parts),
    problems: () => problems(parts),
    missing: () => missing(parts),
    async close() {
      await agent.kill()
      await server.kill()
      link.close()
      await engine?.close()
      disk.close()
    },
  }
  await furnish(world)
  return world
}

async function furnish({ intent, engine }: World): Promise<void> {
  await until('the node', 30_000, async () => {
    const { Nodes } = (await intent.littoral('ListNodes', {})) as { Nodes: { IsOnline: boolean }[] }
    return Nodes.some(({ IsOnline }) => IsOnline) || undefined
  })
  if (engine) {
    await intent.addApp(1)
    await intent.addApp(2)
  } else await intent.addDriver()
  await intent.addDriver()
}

type Parts = Omit<World, 'heal' | 'problems' | 'missing' | 'close'>

async function heal({ server, agent, link, disk, engine }: Parts): Promise<void> {
  disk.thaw()
  disk.free()
  link.mend()
  await engine?.start()
  await server.start()
  await agent.start()
}

interface NodeView {
  readonly Node: {
    readonly DesiredGeneration: number
    readonly AcceptedGeneration: number
    readonly IsOnline: boolean
    readonly Conditions: readonly { Code: string; Message: string }[]
  }
  readonly Workloads: readonly {
    readonly Key: string
    readonly Desired?: { readonly Digest: string }
    readonly Reported?: { readonly Digest: string; readonly Phase: string; readonly Reason?: { Code: string; Message: string } }
    readonly IsCurrent: boolean
  }[]
}

async function nodeView({ intent }: Parts): Promise<NodeView> {
  const { Nodes } = (await intent.littoral('ListNodes', {})) as { Nodes: { NodeId: string }[] }
  if (Nodes.length !== 1) throw new Error(`${Nodes.length} nodes, not 1`)
  return (await intent.littoral('GetNode', { NodeId: Nodes[0]?.NodeId })) as unknown as NodeView
}

async function problems(parts: Parts): Promise<string[]> {
  const { Node, Workloads } = await nodeView(parts)
  const { wanted } = parts.intent
  const digests = new Map(Workloads.flatMap(({ Key, Desired }) => (Desired ? [[Key, Desired.Digest] as const] : [])))
  const keys = new Set(wanted.map(({ key: wantedKey }) => wantedKey))
  const told = Workloads.flatMap(({ Key, IsCurrent, Reported }) => {
    if (!keys.has(Key)) return [`${Key} is told and not wanted`]
    const isReady = IsCurrent && Reported?.Phase === 'ready'
    return isReady ? [] : [`${Key} is ${Reported?.Phase} (${Reported?.Reason?.Code}: ${Reported?.Reason?.Message})`]
  })
  const lasting = Node.Conditions.filter(({ Code }) => !['DesiredStateCorrupt', 'IdentityCorrupt', 'RecordCorrupt'].includes(Code))
  return [
    ...(Node.IsOnline ? [] : ['the node is away']),
    ...(Node.DesiredGeneration === Node.AcceptedGeneration ? [] : [`generation ${Node.AcceptedGeneration} of ${Node.DesiredGeneration}`]),
    ...lasting.map(({ Code, Message }) => `${Code}: ${Message}`),
    ...wanted.flatMap((one) => (digests.has(one.key) ? [] : [`${one.key} is not assigned`])),
    ...told,
    ...(await releaseProblems(parts)),
    ...(await parts.intent.deployRest()),
    ...(await machineProblems(parts, digests)),
  ]
}

async function machineProblems({ engine, disk, intent }: Parts, digests: ReadonlyMap<string, string>): Promise<string[]> {
  const drivers = judgeDrivers(intent.wanted, seeDrivers(disk.folder))
  if (engine === undefined) return drivers
  const strangers = await seeStrangers(engine.socketPath, disk.folder)
  const containers = judgeContainers(intent.wanted, await seeContainers(engine.socketPath, disk.folder), digests)
  return [
    ...drivers,
    ...containers,
    ...strangers.map((id) => `container ${id.slice(0, 12)} is of another owner`),
    ...(await answerProblems(intent)),
  ]
}

async function answerProblems({ wanted }: Intent): Promise<string[]> {
  const found = await Promise.all(
    wanted.map(async (one) => {
      if (one.kind !== 'app') return undefined
      const answer = await askOnce(one.port)
      return answer === one.body ? undefined : `port ${one.port} of ${one.key} answers ${answer}, not ${one.body}`
    }),
  )
  return found.filter((problem) => problem !== undefined)
}

async function askOnce(port: number): Promise<string> {
  try {
    return await (await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2000) })).text()
  } catch (error) {
    return `nothing (${error instanceof Error ? error.message : String(error)})`
  }
}

/** Releases and deployments come to their end, and nothing that was acknowledged is lost. */
async function releaseProblems(parts: Parts): Promise<string[]> {
  const { intent, retries } = parts
  const found: string[] = []
  for (const one of intent.wanted) {
    if (one.kind === 'driver') continue
    const { AppStatus } = await intent.esa('GetEdgeContainerAppStatus', { AppId: one.appId })
    const { PublishStatus, DeployedVersion } = AppStatus as { PublishStatus: string; DeployedVersion: string }
    if (PublishStatus !== 'published' || DeployedVersion !== one.version)
      found.push(`${one.appId} is ${PublishStatus} with ${DeployedVersion}`)
    const { Releases } = (await intent.littoral('ListReleases', { AppId: one.appId, PageSize: 1 })) as {
      Releases: { ReleaseId: string; State: string }[]
    }
    if (Releases[0]?.State === 'stopped') {
      retries.count += 1
      await intent.littoral('ResumeRelease', { ReleaseId: Releases[0].ReleaseId })
    }
    const { TotalCount } = await intent.esa('ListEdgeContainerAppVersions', { AppId: one.appId })
    const known = intent.versions.get(one.appId)?.length ?? 0
    if (Number(TotalCount) < known) found.push(`${one.appId} has ${String(TotalCount)} versions, ${known} were acknowledged`)
  }
  return found
}

async function missing({ intent, disk, engine }: Parts): Promise<string[]> {
  const drivers = intent.wanted.filter((one): one is WantedDriver => one.kind === 'driver')
  const running = seeDrivers(disk.folder).length
  const found = running === drivers.length ? [] : [`${running} of ${drivers.length} drivers run`]
  if (engine === undefined) return found
  const answers = await Promise.all(
    intent.wanted.map(async (one) => ({ one, answer: one.kind === 'app' ? await askOnce(one.port) : 'one' })),
  )
  return [...found, ...answers.filter(({ answer }) => !['one', 'two'].includes(answer)).map(({ one, answer }) => `${one.key}: ${answer}`)]
}
