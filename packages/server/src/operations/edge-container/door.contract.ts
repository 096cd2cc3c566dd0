// What the tests beside this file share: calls that go through the door's decoding and checks (without a signature), and
// an installation with nodes that report. Not a suite of its own.
import { family } from '@littoral/contract/edge-container/index'
import { exampleContainer } from '@littoral/contract/edge-container/containers'
import { family as littoral } from '@littoral/contract/littoral/index'
import { Fault } from '@littoral/contract/errors'
import type { NodeFacts, WorkloadReport } from '@littoral/contract/node/report'
import type { Environment } from '../../domain/app.ts'
import { createRegistry } from '../../http/registry.ts'
import { rollouts } from '../../loops/rollouts.ts'
import * as assignments from '../../store/assignments.ts'
import * as nodes from '../../store/nodes.ts'
import * as reports from '../../store/reports.ts'
import type { TestContext } from '../test-context.ts'
import { handlers as littoralHandlers } from '../littoral/index.ts'
import { handlers } from './index.ts'

const registry = createRegistry([
  { family, handlers },
  { family: littoral, handlers: littoralHandlers },
])

/** A refused call, as a client sees it. */
export interface Refusal {
  readonly status: number
  readonly code: string
  readonly message: string
}

// Answers of every shape come through here; what a test expects of one, it writes down.
// oxlint-disable-next-line typescript/no-explicit-any
export type Answer = Record<string, any>

/** One call with fields as they travel: text, and JSON text for lists. Checks the answer against its schema, too. */
export async function call(context: TestContext, action: string, fields: Record<string, unknown>): Promise<Answer> {
  const served = registry.find(action in littoral.operations ? littoral.version : family.version, action)
  const { input, unknown } = served.decode(new Map(Object.entries(fields)))
  if (unknown.length > 0) throw new Error(`${action} does not know ${unknown.join()}`)
  const fault = served.check(input)
  if (fault !== undefined) throw declared(fault)
  const output = await served.handle(input, context).catch((error: unknown) => {
    throw error instanceof Fault ? declared(error) : error
  })
  const wrong = served.checkOutput(output)
  if (wrong !== undefined) throw new Error(wrong)
  return JSON.parse(JSON.stringify(output))

  function declared(refused: Fault): Fault {
    if (!served.mayAnswer(refused.fault)) throw new Error(`${action} does not declare ${refused.fault}`)
    if (/\{\w+\}/.test(refused.message)) throw new Error(`a place of the message was left open: ${refused.message}`)
    return refused
  }
}

export async function refusal(context: TestContext, action: string, fields: Record<string, unknown>): Promise<Refusal> {
  try {
    await call(context, action, fields)
  } catch (error) {
    if (error instanceof Fault) return { status: error.status, code: error.code, message: error.message }
    throw error
  }
  throw new Error(`${action} was not refused`)
}

export const appFields = { Name: 'shop-frontend', ServicePort: '80', TargetPort: '3000' }

export async function createApp(context: TestContext, fields: Record<string, unknown> = {}): Promise<string> {
  return (await call(context, 'CreateEdgeContainerApp', { ...appFields, ...fields }))['AppId']
}

/** The id of a new site. */
export async function createSite(context: TestContext, SiteName: string, fields: Record<string, unknown> = {}): Promise<number> {
  return (await call(context, 'CreateSite', { SiteName, AccessType: 'NS', Coverage: 'global', ...fields }))['SiteId']
}

export const container = exampleContainer

export async function createVersion(
  context: TestContext,
  AppId: string,
  Name = 'release-1',
  containers: object[] = [container],
): Promise<string> {
  const answer = await call(context, 'CreateEdgeContainerAppVersion', { AppId, Name, Containers: JSON.stringify(containers) })
  return answer['VersionId']
}

export async function publish(context: TestContext, AppId: string, VersionId: string, PublishEnv: Environment = 'prod'): Promise<void> {
  await call(context, 'PublishEdgeContainerAppVersion', { AppId, VersionId, PublishEnv })
}

const facts: NodeFacts = {
  name: 'edge',
  agentVersion: '0.1.0',
  edgeVersion: '2.0',
  os: 'linux',
  arch: 'x64',
  region: 'zhejiang',
  environments: ['prod', 'staging'],
  runtimes: [],
  driverRuntimes: [],
  cpus: 4,
  memoryBytes: 2 ** 33,
  address: '192.0.2.10',
}

export async function addNode(
  context: TestContext,
  id: string,
  environments: Environment[] = ['prod', 'staging'],
  changes: Partial<Pick<NodeFacts, 'region' | 'cpus' | 'memoryBytes'>> = {},
): Promise<void> {
  const { accountId } = context.principal
  const nowMs = context.now()
  const node = {
    id,
    accountId,
    name: id,
    region: changes.region ?? facts.region,
    environments,
    facts: { ...facts, ...changes, environments },
    isOnline: true,
    lastSeenAtMs: nowMs,
  }
  await context.store.write(async (tx) =>
    nodes.insert(tx, { ...node, pinned: {}, generation: 0, acceptedGeneration: 0, createdAtMs: nowMs, secretHash: 'hash' }),
  )
}

export async function takeOffline(context: TestContext, id: string): Promise<void> {
  await context.store.write(async (tx) => nodes.updateOffline(tx, id, context.now()))
}

/** Passes of the loop in which these nodes are ready with whatever they are told, until nothing is left to decide. */
export async function settle(context: TestContext, ...ready: string[]): Promise<void> {
  do for (const node of ready) await reportAll(context, node)
  while ((await pass(context)) > 0)
}

/** One pass of the rollouts loop; how many decisions it applied. */
export async function pass(context: TestContext): Promise<number> {
  const passed = await rollouts.pass(context, new AbortController().signal)
  return typeof passed === 'number' ? passed : passed.decisions
}

/** What a node has to run, by key. */
export async function assigned(context: TestContext, nodeId: string): Promise<Record<string, string>> {
  const found = await context.store.read((tx) => assignments.listByNode(tx, nodeId))
  return Object.fromEntries(found.map(({ key, version }) => [key, version]))
}

/** The node reports on everything it has to run, in the given phase. */
export async function reportAll(context: TestContext, nodeId: string, change: Partial<WorkloadReport> = {}): Promise<void> {
  const found = await context.store.read((tx) => assignments.listByNode(tx, nodeId))
  const nowMs = context.now()
  for (const { key, version, digest } of found) {
    const report: WorkloadReport = {
      key,
      version,
      digest,
      phase: 'ready',
      instanceId: 'instance-1',
      createdAtMs: nowMs,
      restarts: 0,
      addresses: [{ host: '192.0.2.10', port: 80, servicePort: 80 }],
      containers: [{ name: 'web', state: 'running', isReady: true, restarts: 0 }],
      observedAtMs: nowMs,
      ...change,
    }
    await context.store.write(async (tx) => reports.update(tx, { nodeId, report, nowMs }))
  }
}
