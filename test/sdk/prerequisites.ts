// What has to exist before an operation's example can be carried out: made anew for each example, so that their order
// does not matter. The ids made here replace the ones in the example.
import { createApp, createVersion, waitPublished, waitStaging } from '../../tools/journey/app.ts'
import { createDriver, registerGateway, throwing, uploadPackage, type Gateway } from '../../tools/journey/driver.ts'
import { zipOf } from '../../tools/journey/sample-driver.ts'
import { sdkCall, type Call } from '../../tools/official-clients.ts'
import type { TestServer } from '../test-server.ts'

type Input = Record<string, unknown>

const driverVersion = '9.0.0'

export class Prerequisites {
  readonly #server: TestServer
  readonly #esa: Call
  readonly #iot: Call
  #count = 0

  constructor(server: TestServer) {
    this.#server = server
    this.#esa = sdkCall('@alicloud/esa20240910', server.url, server.key)
    this.#iot = throwing(sdkCall('@alicloud/iot20180120', server.url, server.key))
  }

  /** The example's input with every id exchanged for one that exists here. */
  async inputFor(action: string, example: Input): Promise<Input> {
    const special = this.#special()[action]
    if (special) return special({ ...example })
    const input = { ...example }
    if ('NodeId' in input) input['NodeId'] = this.#server.nodeId
    await this.#putApp(input)
    await this.#putSite(input)
    await this.#putDriver(input)
    await this.#putInstance(input)
    return input
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
      ReadLogs: async (input) => {
        const release = await this.#released('prod')
        await waitPublished(this.#esa, { appId: release.AppId, versionId: release.VersionId, environment: 'prod' })
        return { ...input, AppId: release.AppId }
      },
      RollbackEdgeContainerAppVersion: async (input) => ({ ...input, ...(await this.#released('prod')) }),
      RebuildEdgeContainerAppStagingEnv: async () => ({ AppId: (await this.#released('staging')).AppId }),
      GetRelease: async () => ({ ReleaseId: await this.#release() }),
      PauseRelease: async () => ({ ReleaseId: await this.#release() }),
      ResumeRelease: async () => {
        const ReleaseId = await this.#release()
        await this.#server.littoral('PauseRelease', { ReleaseId })
        return { ReleaseId }
      },
      ListReleases: async (input) => ({ ...input, AppId: (await this.#released('prod')).AppId }),
      CreateEdgeDriverVersion: async (input) => {
        const driverId = await this.#driver()
        return { ...input, DriverId: driverId, ...(await this.#code(driverId, String(input['DriverVersion']))) }
      },
      UpdateEdgeDriverVersion: async (input) => {
        const { DriverId } = await this.#driverVersion(false)
        return { ...input, DriverId, DriverVersion: driverVersion, ...(await this.#code(String(DriverId), driverVersion)) }
      },
      CreateEdgeOssPreSignedAddress: async (input) => ({ ...input, ResourceId: await this.#driver() }),
      CreateSite: async (input) => ({ ...input, SiteName: `example-${this.#next()}.com` }),
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
      SetEdgeInstanceDriverConfigs: async (input) => ({ ...input, ...(await this.#boundDriver()) }),
      CreateEdgeInstanceDeployment: async (input) => ({ ...input, InstanceId: (await this.#boundDriver()).InstanceId }),
      GetEdgeInstanceDeployment: async (input) => {
        const { InstanceId } = await this.#boundDriver()
        const { DeploymentId } = await this.#iot('CreateEdgeInstanceDeployment', { InstanceId, Type: 'deploy' })
        return { ...input, InstanceId, DeploymentId }
      },
      QueryEdgeInstanceGateway: async (input) => ({ ...input, InstanceId: (await this.#boundDriver()).InstanceId }),
      RegisterDevice: async (input) => ({ ...input, ProductKey: (await this.#gateway()).productKey }),
      QueryDeviceDetail: async () => ({ IotId: (await this.#gateway()).iotId }),
    }
  }

  async #released(PublishEnv: 'prod' | 'staging', StartTime?: string): Promise<{ AppId: string; VersionId: string }> {
    const input: Input = { AppId: '', VersionId: '' }
    await this.#putApp(input)
    const release = { AppId: String(input['AppId']), VersionId: String(input['VersionId']) }
    await this.#esa('PublishEdgeContainerAppVersion', { ...release, PublishEnv, ...(StartTime !== undefined && { StartTime }) })
    return release
  }

  /** A release that stays under way, because its time is far away. */
  async #release(): Promise<string> {
    const { AppId } = await this.#released('prod', '2126-01-01T00:00:00Z')
    const { Releases } = await this.#server.littoral('ListReleases', { AppId })
    return (Releases as { ReleaseId: string }[])[0]!.ReleaseId
  }

  async #putApp(input: Input): Promise<void> {
    if (!('AppId' in input)) return
    const appId = await createApp(this.#esa, { name: `example-${this.#next()}`, servicePort: 20_000 + this.#count, targetPort: 8080 })
    input['AppId'] = appId
    if ('VersionId' in input)
      input['VersionId'] = await createVersion(this.#esa, { appId, name: 'example-1', image: 'example:1', port: 8080 })
  }

  async #putSite(input: Input): Promise<void> {
    if (!('SiteId' in input)) return
    const SiteName = `example-${this.#next()}.com`
    const { SiteId } = await this.#esa('CreateSite', { SiteName, AccessType: 'NS', Coverage: 'global' })
    input['SiteId'] = SiteId
    if ('RecordName' in input) input['RecordName'] = `shop.${SiteName}`
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

  async #instance(): Promise<string> {
    const { InstanceId } = await this.#iot('CreateEdgeInstance', { Name: `example_${this.#next()}`, Spec: 20 })
    return String(InstanceId)
  }

  #gateway(): Promise<Gateway> {
    const suffix = this.#next()
    return registerGateway(this.#iot, { product: `example_${suffix}`, device: `gateway-${suffix}` })
  }

  /** An instance with a gateway that is nowhere and a driver that is released. */
  async #boundDriver(): Promise<{ InstanceId: string; DriverId: string }> {
    const InstanceId = await this.#instance()
    const gateway = await this.#gateway()
    await this.#iot('BindGatewayToEdgeInstance', { InstanceId, ProductKey: gateway.productKey, DeviceName: gateway.deviceName })
    const version = await this.#driverVersion(true)
    await this.#iot('BindDriverToEdgeInstance', { InstanceId, ...version })
    return { InstanceId, DriverId: version.DriverId }
  }

  #next(): number {
    this.#count += 1
    return this.#count
  }
}
