// The friendly verbs, one command object each. Everything else is reached with `littoral call <Operation>`.
import { setTimeout as wait } from 'node:timers/promises'
import { operations as edgeContainer } from '@littoral/contract/edge-container/index'
import { operations as iotEdge } from '@littoral/contract/iot-edge/index'
import { operations as littoral } from '@littoral/contract/littoral/index'
import { CallError, type Client } from './client.ts'
import { type Command, environments, toCount, toEnvironment } from './command.ts'
import { logs } from './logs.ts'
import { table } from './table.ts'
import { terminal } from './terminal.ts'

const pageSize = 100
const mostPages = 100

/** All entries of a paged list, up to a bound. */
async function collect<Entry>(page: (number: number) => Promise<readonly Entry[]>): Promise<Entry[]> {
  const all: Entry[] = []
  for (let number = 1; number <= mostPages; number++) {
    const entries = await page(number)
    all.push(...entries)
    if (entries.length < pageSize) break
  }
  return all
}

const nodes: Command = {
  usage: '[<NodeId>]',
  summary: 'nodes, or what one node should run and says it runs',
  words: [0, 1],
  async run({ client, print }, [nodeId]) {
    if (nodeId !== undefined) return print(await describeNode(client, nodeId))
    const all = await collect(async (PageNumber) => (await client.call(littoral.ListNodes, { PageNumber, PageSize: pageSize })).Nodes)
    const rows = all.map((node) => [
      node.NodeId,
      node.Name,
      node.IsOnline ? 'online' : 'offline',
      node.Region,
      node.Environments.join(','),
      `${node.AcceptedGeneration}/${node.DesiredGeneration}`,
      node.LastSeenAt ?? '',
    ])
    print(table(['NODE', 'NAME', 'STATE', 'REGION', 'ENVIRONMENTS', 'ACCEPTED', 'LAST SEEN'], rows))
  },
}

async function describeNode(client: Client, NodeId: string): Promise<string> {
  const { Node, Workloads } = await client.call(littoral.GetNode, { NodeId })
  const rows = Workloads.map(({ Key, Desired, Reported, IsCurrent }) => [
    Key,
    Desired?.Version ?? '(none)',
    Reported?.Version ?? '(nothing yet)',
    `${Reported?.Phase ?? ''}${IsCurrent ? '' : ' (not of the desired version)'}`,
    Reported?.Addresses.join(' ') ?? '',
    Reported?.Reason === undefined ? '' : `${Reported.Reason.Code}: ${Reported.Reason.Message}`,
  ])
  const head = `${Node.Name}, ${Node.IsOnline ? 'online' : 'offline'}, accepted ${Node.AcceptedGeneration} of ${Node.DesiredGeneration}`
  return `${head}\n${table(['WORKLOAD', 'DESIRED', 'REPORTED', 'PHASE', 'ADDRESSES', 'REASON'], rows)}`
}

const apps: Command = {
  usage: '',
  summary: 'edge container apps',
  words: [0, 0],
  async run({ client, print }) {
    const all = await collect(
      async (PageNumber) => (await client.call(edgeContainer.ListEdgeContainerApps, { PageNumber, PageSize: pageSize })).Apps,
    )
    const rows = all.map((app) => [
      app.AppId,
      app.Name,
      `${app.ServicePort}→${app.TargetPort}`,
      String(app.VersionCount),
      app.CreateTime ?? '',
    ])
    print(table(['APP', 'NAME', 'PORTS', 'VERSIONS', 'CREATED'], rows))
  },
}

const versions: Command = {
  usage: '<AppId>',
  summary: 'versions of an app',
  words: [1, 1],
  async run({ client, print }, [AppId = '']) {
    const all = await collect(
      async (PageNumber) =>
        (await client.call(edgeContainer.ListEdgeContainerAppVersions, { AppId, PageNumber, PageSize: pageSize })).Versions,
    )
    const rows = all.map((version) => [version.VersionId, version.Name, version.Status ?? '', version.CreateTime ?? ''])
    print(table(['VERSION', 'NAME', 'STATUS', 'CREATED'], rows))
  },
}

const publish: Command = {
  usage: '<AppId> <VersionId> [--env staging|prod] [--wait <seconds>]',
  summary: 'publish a version, by default to staging',
  words: [2, 2],
  options: { env: { type: 'string', default: 'staging' }, wait: { type: 'string' } },
  async run({ client, print }, [AppId = '', VersionId = ''], flags) {
    const PublishEnv = toEnvironment(flags['env'])
    await client.call(edgeContainer.PublishEdgeContainerAppVersion, { AppId, VersionId, PublishEnv })
    print(`${VersionId} is being published to ${PublishEnv}.`)
    if (flags['wait'] === undefined) return
    const deadlineMs = Date.now() + toCount('--wait', flags['wait']) * 1000
    for (;;) {
      const { AppStatus } = await client.call(edgeContainer.GetEdgeContainerAppStatus, { AppId, PublishEnv })
      const isPublished = AppStatus.PublishStatus === 'published' && AppStatus.PublishingVersion === VersionId
      if (isPublished) return print(`${VersionId} is published to ${PublishEnv}.`)
      if (Date.now() > deadlineMs)
        throw new CallError('NotYetPublished', `${VersionId} is still being published; see littoral status ${AppId}.`, '')
      await wait(500)
    }
  },
}

const status: Command = {
  usage: '<AppId>',
  summary: 'what staging and prod of an app run',
  words: [1, 1],
  async run({ client, print }, [AppId = '']) {
    const rows: string[][] = []
    for (const PublishEnv of environments) {
      const { AppStatus: state } = await client.call(edgeContainer.GetEdgeContainerAppStatus, { AppId, PublishEnv })
      const share = `${state.PublishPercentage}% of ${state.ExpectPercentage}%`
      rows.push([
        PublishEnv,
        state.DeployStatus,
        state.DeployedVersion ?? '',
        state.PublishStatus ?? '',
        state.PublishingVersion ?? '',
        share,
      ])
    }
    print(table(['ENVIRONMENT', 'STATE', 'RUNS', 'RELEASE', 'OF VERSION', 'REACHED'], rows))
    const staging = await client.call(edgeContainer.GetEdgeContainerStagingDeployStatus, { AppId })
    print(`\nstaging instance: ${staging.Phase} ${staging.VIPs.join(' ')}`.trimEnd())
  },
}

const drivers: Command = {
  usage: '',
  summary: 'custom drivers, and edge instances with their newest deployment',
  words: [0, 0],
  async run({ client, print }) {
    const deploymentStates = ['created', 'under way', 'succeeded', 'failed']
    const { Data: driverPage } = await client.call(iotEdge.QueryEdgeDriver, { Type: 1, CurrentPage: 1, PageSize: 30 })
    const driverRows = driverPage.DriverList.map((driver) => [driver.DriverId, driver.DriverName, driver.Runtime, driver.DriverProtocol])
    print(table(['DRIVER', 'NAME', 'RUNTIME', 'PROTOCOL'], driverRows))
    const { Data: instancePage } = await client.call(iotEdge.QueryEdgeInstance, { CurrentPage: 1, PageSize: 30 })
    const instanceRows = instancePage.InstanceList.map((instance) => [
      instance.InstanceId,
      instance.Name,
      instance.LatestDeploymentType ?? '',
      deploymentStates[instance.LatestDeploymentStatus ?? -1] ?? '',
    ])
    print(`\n${table(['INSTANCE', 'NAME', 'LAST DEPLOYMENT', 'STATE'], instanceRows)}`)
  },
}

const token: Command = {
  usage: '[--uses <count>] [--expires-in <seconds>] [--region <code>] [--env staging|prod]',
  summary: 'make a join token for a new node',
  words: [0, 0],
  options: { uses: { type: 'string' }, 'expires-in': { type: 'string' }, region: { type: 'string' }, env: { type: 'string' } },
  async run({ client, endpoint, print }, _words, flags) {
    const made = await client.call(littoral.CreateNodeToken, {
      ...(flags['uses'] === undefined ? {} : { MaxUses: toCount('--uses', flags['uses']) }),
      ...(flags['expires-in'] === undefined ? {} : { ExpiresInSeconds: toCount('--expires-in', flags['expires-in']) }),
      ...(flags['region'] === undefined ? {} : { Region: flags['region'] }),
      ...(flags['env'] === undefined ? {} : { Environment: toEnvironment(flags['env']) }),
    })
    print(made.Token)
    print(
      `Good for ${made.MaxUses} node(s) until ${made.ExpiresAt}:\n  littoral agent --server ${endpoint} --token ${made.Token} --data <folder>`,
    )
  },
}

export const commands: Readonly<Record<string, Command>> = { nodes, apps, versions, publish, status, logs, terminal, drivers, token }
