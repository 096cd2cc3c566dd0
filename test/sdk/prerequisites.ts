// What has to exist before an operation's example can be carried out: made anew for each example, so that their order
// does not matter. The ids made here replace the ones in the example.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createApp, createVersion, waitPublished, waitStaging } from '../../tools/journey/app.ts'
import { createDriver, throwing, uploadPackage, type Gateway } from '../../tools/journey/driver.ts'
import { zipOf } from '../../tools/journey/sample-driver.ts'
import { until } from '../../tools/journey/wait.ts'
import { sdkCall, type Call } from '../../tools/official-clients.ts'
import type { TestServer } from '../test-server.ts'
import { EdgePrerequisites, isInsideInstance } from './edge-prerequisites.ts'

type Input = Record<string, unknown>

const driverVersion = '9.0.0'

export class Prerequisites {
  readonly #server: TestServer
  readonly #esa: Call
  readonly #iot: Call
  readonly #edge: EdgePrerequisites
  #count = 0

  constructor(server: TestServer) {
    this.#server = server
    this.#esa = sdkCall('@alicloud/esa20240910', server.url, server.key)
    this.#iot = throwing(sdkCall('@alicloud/iot20180120', server.url, server.key))
    this.#edge = new EdgePrerequisites(this.#iot, { next: () => this.#next(), releasedVersion: () => this.#driverVersion(true) })
  }

  /** The example's input with every id exchanged for one that exists here. */
  async inputFor(action: string, example: Input): Promise<Input> {
    const special = this.#special()[action]
    if (special) return special({ ...example })
    const input = { ...example }
    if (isInsideInstance(action)) return this.#edge.fill(action, input)
    if ('NodeId' in input) input['NodeId'] = this.#server.nodeId
    await this.#putApp(input)
    await this.#putSite(input)
    await this.#putDriver(input)
    await this.#putInstance(input)
    return input
  }

  /** A version of the agent that an operator put there, and that no node can run. */
  async #bundle(): Promise<string> {
    await mkdir(join(this.#server.dataFolder, 'agents'), { recursive: true })
    await writeFile(join(this.#server.dataFolder, 'agents', 'example.mjs'), '// littoral-agent 0.0.9\n')
    return '0.0.9'
  }

  async #upgrade(): Promise<string> {
    const { nodeId } = this.#server
    const { UpgradeId } = await this.#server.littoral('UpgradeNodes', {
      NodeIds: JSON.stringify([nodeId]),
      AgentVersion: await this.#bundle(),
    })
    return String(UpgradeId)
  }

  async #offlineNode(): Promise<string> {
    const node = await this.#server.openNode()
    await node.close()
    return until('the node being offline', 10_000, async () => {
      const { Node } = (await this.#server.littoral('GetNode', { NodeId: node.nodeId })) as { Node: { IsOnline: boolean } }
      return Node.IsOnline ? undefined : node.nodeId
    })
  }

  /** Operations whose example needs more than ids. */
  #special(): Record<string, (input: Input) => Promise<Input>> {
    return {
      DescribeEdgeContainerAppStats: async (input) => ({ ...input, App: (await this.#released('prod')).AppId }),
      GetEdgeContainerTerminal: async () => {
        const { AppId } = await this.#released('staging')
        await waitStaging(this.#esa, AppId)
        return { AppId }
      },
      ReadLogs: (input) => this.#published(input),
      OpenTerminal: (input) => this.#published(input),
      RetryWorkload: async () => ({ NodeId: this.#server.nodeId, Workload: await this.#assigned() }),
      GetIncident: async () => ({ IncidentId: await this.#incident() }),
      RollbackEdgeContainerAppVersion: async (input) => ({ ...input, ...(await this.#released('prod')) }),
      RebuildEdgeContainerAppStagingEnv: async () => ({ AppId: (await this.#released('staging')).AppId }),
      UpgradeNodes: async (input) => ({ ...input, NodeIds: [this.#server.nodeId], AgentVersion: await this.#bundle() }),
      GetUpgrade: async () => ({ UpgradeId: await this.#upgrade() }),
      StopUpgrade: async () => ({ UpgradeId: await this.#upgrade() }),
      DeleteNode: async () => ({ NodeId: await this.#offlineNode() }),
      GetRelease: async () => ({ ReleaseId: await this.#release() }),
      PauseRelease: async () => ({ ReleaseId: await this.#release() }),
      ResumeRelease: async () => {
        const ReleaseId = await this.#release()
        await this.#server.littoral('PauseRelease', { ReleaseId })
        return { ReleaseId }
      },
      ListReleases: async (input) => ({ ...input, AppId: (await this.#released('prod')).AppId }),
      // Names are taken once, and some examples are carried out twice.
      CreateEdgeDriver: async (input) => ({ ...input, DriverName: `example_${this.#next()}` }),
      CreateEdgeInstance: async (input) => ({ ...input, Name: `example_${this.#next()}` }),
      CreateProduct: async (input) => ({ ...input, ProductName: `example_${this.#next()}` }),
      CreateEdgeDriverVersion: async (input) => {
        const driverId = await this.#driver()
        return { ...input, DriverId: driverId, ...(await this.#code(driverId, String(input['DriverVersion']))) }
      },
      UpdateEdgeDriverVersion: async (input) => {
        const { DriverId } = await this.#driverVersion(false)
        return { ...input, DriverId, DriverVersion: driverVersion, ...(await this.#code(String(DriverId), driverVersion)) }
      },
      QueryEdgeDriverVersion: async (input) => ({ ...input, DriverId: (await this.#driverVersion(false)).DriverId }),
      CreateEdgeOssPreSignedAddress: async (input) => ({ ...input, ResourceId: await this.#driver() }),
      CreateSite: async (input) => ({ ...input, SiteName: `example-${this.#next()}.com` }),
      ListTagResources: (input) => this.#taggable(input),
      TagResources: (input) => this.#taggable(input),
      UntagResources: (input) => this.#taggable(input),
      DeleteEdgeContainerAppRecord: async (input) => {
        await this.#putApp(input)
        await this.#putSite(input)
        await this.#esa('CreateEdgeContainerAppRecord', input)
        return input
      },
      DeleteEdgeContainerAppImageSecret: async (input) => {
        await this.#putApp(input)
        const login = { Registry: 'images.example.com', Username: 'puller', Password: 's3cret' }
        await this.#esa('CreateEdgeContainerAppImageSecret', { AppId: input['AppId'], ...login })
        const { ImageSecretList } = await this.#esa('ListEdgeContainerAppImageSecrets', { AppId: input['AppId'] })
        return { ...input, Name: (ImageSecretList as { Name: string }[])[0]?.Name }
      },
      BatchGetEdgeDriver: async (input) => ({ ...input, DriverIds: [await this.#driver()] }),
      BindGatewayToEdgeInstance: async (input) => {
        const gateway = await this.#gateway()
        return { ...input, InstanceId: await this.#instance(), ProductKey: gateway.productKey, DeviceName: gateway.deviceName }
      },
      BindDriverToEdgeInstance: async (input) => ({ ...input, InstanceId: await this.#instance(), ...(await this.#driverVersion(true)) }),
      GetEdgeInstanceDeployment: async (input) => {
        const { InstanceId } = await this.#edge.boundDriver()
        return { ...input, InstanceId, DeploymentId: await this.#edge.endedDeployment(InstanceId) }
      },
      ReplaceEdgeInstanceGateway: async () => this.#edge.replacement(),
      RegisterDevice: async (input) => ({ ...input, ProductKey: (await this.#gateway()).productKey }),
      QueryDeviceDetail: async () => ({ IotId: (await this.#gateway()).iotId }),
      QueryDevicePropertyStatus: async (input) => ({ ...input, ...(await this.#deviceName()) }),
      QueryDevicePropertyData: async (input) => ({ ...input, ...(await this.#deviceName()) }),
      QueryDeviceEventData: async (input) => ({ ...input, ...(await this.#deviceName()) }),
      GetDeviceStatus: async (input) => ({ ...input, ...(await this.#deviceName()) }),
      ImportThingModelTsl: async (input) => ({ ...input, ProductKey: (await this.#gateway()).productKey }),
      GetThingModelTsl: async () => ({ ProductKey: (await this.#gateway()).productKey }),
      QueryDevice: async (input) => ({ ...input, ProductKey: (await this.#gateway()).productKey }),
      QueryProduct: async () => ({ ProductKey: (await this.#gateway()).productKey }),
      DeleteDevice: async () => ({ IotId: (await this.#gateway()).iotId }),
      DeleteProduct: async () => ({ ProductKey: await this.#edge.product() }),
      BatchGetDeviceBindStatus: async () => ({ IotIds: [(await this.#gateway()).iotId] }),
    }
  }

  async #released(PublishEnv: 'prod' | 'staging', StartTime?: string, image?: string): Promise<{ AppId: string; VersionId: string }> {
    const input: Input = { AppId: '', VersionId: '' }
    await this.#putApp(input, image)
    const release = { AppId: String(input['AppId']), VersionId: String(input['VersionId']) }
    await this.#esa('PublishEdgeContainerAppVersion', { ...release, PublishEnv, ...(StartTime !== undefined && { StartTime }) })
    return release
  }

  /** An app that runs in production. */
  async #published(input: Input): Promise<Input> {
    const { AppId, VersionId } = await this.#released('prod')
    await waitPublished(this.#esa, { appId: AppId, versionId: VersionId, environment: 'prod' })
    return { ...input, AppId }
  }

  /** A release that stays under way, because its time is far away. */
  async #release(): Promise<string> {
    const { AppId } = await this.#released('prod', '2126-01-01T00:00:00Z')
    const { Releases } = await this.#server.littoral('ListReleases', { AppId })
    return (Releases as { ReleaseId: string }[])[0]!.ReleaseId
  }

  /** A workload that the node has been told to run. */
  async #assigned(image?: string): Promise<string> {
    const { AppId } = await this.#released('prod', undefined, image)
    const key = `app/${AppId}/prod`
    return until('the assignment', 10_000, async () => {
      const { Workloads } = await this.#server.littoral('GetNode', { NodeId: this.#server.nodeId })
      return (Workloads as { Key: string }[]).find(({ Key }) => Key === key)?.Key
    })
  }

  async #incident(): Promise<string> {
    const Key = await this.#assigned('example/exit-1:1')
    return until('the incident', 20_000, async () => {
      const { Incidents } = await this.#server.littoral('ListIncidents', { Key })
      return (Incidents as { IncidentId: string }[])[0]?.IncidentId
    })
  }

  async #putApp(input: Input, image = 'example:1'): Promise<void> {
    if (!('AppId' in input)) return
    const appId = await createApp(this.#esa, { name: `example-${this.#next()}`, servicePort: 20_000 + this.#count, targetPort: 8080 })
    input['AppId'] = appId
    if ('VersionId' in input) input['VersionId'] = await createVersion(this.#esa, { appId, name: 'example-1', image, port: 8080 })
  }

  async #putSite(input: Input): Promise<void> {
    if (!('SiteId' in input)) return
    const SiteName = `example-${this.#next()}.com`
    const { SiteId } = await this.#esa('CreateSite', { SiteName, AccessType: 'NS', Coverage: 'global' })
    input['SiteId'] = SiteId
    if ('RecordName' in input) input['RecordName'] = `shop.${SiteName}`
  }

  async #taggable(input: Input): Promise<Input> {
    const site: Input = { SiteId: 0 }
    await this.#putSite(site)
    return { ...input, ResourceId: [String(site['SiteId'])] }
  }

  async #putDriver(input: Input): Promise<void> {
    if (!('DriverId' in input)) return
    if ('DriverVersion' in input) Object.assign(input, await this.#driverVersion(false))
    else input['DriverId'] = await this.#driver()
  }

  async #putInstance(input: Input): Promise<void> {
    if ('InstanceId' in input) input['InstanceId'] = await this.#instance()
  }

  #driver(): Promise<string> {
    return createDriver(this.#iot, { name: `example_${this.#next()}`, runtime: 'python3' })
  }

  async #code(driverId: string, version: string): Promise<{ SourceConfig: string }> {
    const zip = await zipOf({ 'index.py': 'def handler(event, context):\n    return "ok"\n' })
    return {
      SourceConfig: JSON.stringify({ ossAddress: await uploadPackage(this.#iot, { driverId, version, fileName: 'code.zip', zip }) }),
    }
  }

  async #driverVersion(isReleased: boolean): Promise<{ DriverId: string; DriverVersion: string }> {
    const DriverId = await this.#driver()
    const key = { DriverId, DriverVersion: driverVersion }
    await this.#iot('CreateEdgeDriverVersion', { ...key, EdgeVersion: '2.4.0', ...(await this.#code(DriverId, driverVersion)) })
    if (isReleased) await this.#iot('ReleaseEdgeDriverVersion', key)
    return key
  }

  #instance(): Promise<string> {
    return this.#edge.instance()
  }

  #gateway(): Promise<Gateway> {
    return this.#edge.gateway()
  }

  async #deviceName(): Promise<{ ProductKey: string; DeviceName: string }> {
    const { productKey: ProductKey, deviceName: DeviceName } = await this.#gateway()
    return { ProductKey, DeviceName }
  }

  #next(): number {
    this.#count += 1
    return this.#count
  }
}
