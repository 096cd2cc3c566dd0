// What is to run in a fault run, said through the API with the official clients: applications on an engine, drivers as
// processes. Keeps what was acknowledged, which is what must be there in the end.
import { createApp, createVersion, publish } from '../../tools/journey/app.ts'
import { configureDriver, createDriver, createInstance, type Gateway, releaseDriverVersion, throwing } from '../../tools/journey/driver.ts'
import { zipOf } from '../../tools/journey/sample-driver.ts'
import { type Call, codeOf, type Key, popCall, sdkCall } from '../../tools/official-clients.ts'
import { sampleImage } from './engine.ts'
import { freePort } from './parts.ts'

export interface WantedApp {
  readonly kind: 'app'
  readonly key: string
  readonly appId: string
  readonly port: number
  readonly containers: number
  version: string
  body: string
}

export interface WantedDriver {
  readonly kind: 'driver'
  readonly key: string
  readonly instanceId: string
  readonly driverId: string
  version: string
  mark: string
}

export type Wanted = WantedApp | WantedDriver

export interface Intent {
  readonly wanted: readonly Wanted[]
  readonly littoral: Call
  readonly esa: Call
  /** Every version that was acknowledged, by application. */
  readonly versions: ReadonlyMap<string, readonly string[]>
  addApp(containers: number): Promise<void>
  addDriver(): Promise<void>
  /** Asks for another version; false when it is refused because one is under way. */
  change(wanted: Wanted): Promise<boolean>
  /**
   * Deploys what was bound while a deployment was under way, and again what failed while the node was away. Says what is not
   * through yet.
   */
  deployRest(): Promise<string[]>
}

/** A driver that stays, and that says with its folder which version it is. */
const driverCode = 'setInterval(() => {}, 60000)\nconsole.log("here")\nexports.handler = () => {}\n'

/** On a machine with too much to do a connection may take longer than the client waits; nothing was said then, so it is safe to repeat. */
function patient(call: Call): Call {
  return async (action, input) => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await call(action, input)
      } catch (error) {
        if (tries === 5 || !String(error).includes('ConnectTimeout')) throw error
      }
    }
  }
}

export function openIntent(url: string, key: Key, gateway: Gateway): Intent {
  const esa = patient(sdkCall('@alicloud/esa20240910', url, key))
  const iot = throwing(patient(sdkCall('@alicloud/iot20180120', url, key)))
  const wanted: Wanted[] = []
  const versions = new Map<string, string[]>()
  let count = 0
  let instance: Promise<string> | undefined
  let isDeployDue = false
  let deploymentId: unknown

  async function newVersion(app: Pick<WantedApp, 'appId' | 'containers'>, body: string): Promise<string> {
    count += 1
    const web = { ProbeContent: { Port: 8080, PeriodSeconds: 1, FailureThreshold: 3 }, EnvVariables: `ROUND=${count}` }
    const version = { appId: app.appId, name: `version-${count}`, image: sampleImage(body), port: 8080, more: web }
    const versionId = app.containers === 1 ? await createVersion(esa, version) : await newPair(version)
    versions.set(app.appId, [...(versions.get(app.appId) ?? []), versionId])
    return versionId
  }

  /** Two containers that live and die together. */
  async function newPair({ appId, name, image, more }: { appId: string; name: string; image: string; more: object }): Promise<string> {
    const common = { Image: image, IsACRImage: false, Spec: '1C2G', Storage: '0.5G', ProbeType: 'tcpSocket', ...more }
    const beside = { EnvVariables: 'PORT=8081', ProbeContent: { Port: 8081, PeriodSeconds: 1, FailureThreshold: 3 } }
    const Containers = [
      { ...common, Name: 'web' },
      { ...common, Name: 'beside', ...beside },
    ]
    return String((await esa('CreateEdgeContainerAppVersion', { AppId: appId, Name: name, Containers }))['VersionId'])
  }

  async function newDriverVersion(driverId: string): Promise<string> {
    count += 1
    const version = `1.0.${count}`
    const zip = await zipOf({ 'index.js': driverCode, 'version.txt': version })
    await releaseDriverVersion(iot, { driverId, version, fileName: 'code.zip', zip })
    return version
  }

  async function bind({ instanceId, driverId, version, mark }: Omit<WantedDriver, 'kind' | 'key'>): Promise<void> {
    await iot('BindDriverToEdgeInstance', { InstanceId: instanceId, DriverId: driverId, DriverVersion: version })
    await configureDriver(iot, { instanceId, driverId, config: { mark } })
    isDeployDue = true
    await deployDue(instanceId)
  }

  async function deployDue(instanceId: string): Promise<void> {
    try {
      const answer = await iot('CreateEdgeInstanceDeployment', { InstanceId: instanceId, Type: 'deploy' })
      deploymentId = answer['DeploymentId']
      isDeployDue = false
    } catch (error) {
      if (codeOf(error) !== 'iot.edge.InstanceIsRunning') throw error
    }
  }

  async function deployRest(): Promise<string[]> {
    const driver = wanted.find((one) => one.kind === 'driver')
    if (driver === undefined) return []
    const { Data } = await iot('GetEdgeInstanceDeployment', { InstanceId: driver.instanceId, DeploymentId: deploymentId })
    const { Status } = Data as { Status: number }
    if (isDeployDue || Status === 3) await deployDue(driver.instanceId)
    return Status === 2 && !isDeployDue ? [] : [`the deployment has the status ${Status}`]
  }

  async function changeApp(app: WantedApp): Promise<boolean> {
    const body = app.body === 'one' ? 'two' : 'one'
    const version = await newVersion(app, body)
    try {
      await publish(esa, { appId: app.appId, versionId: version, environment: 'prod' })
    } catch (error) {
      if (codeOf(error) === 'InternalException') return false
      throw error
    }
    Object.assign(app, { version, body })
    return true
  }

  return {
    wanted,
    versions,
    esa,
    littoral: popCall(url, key, '2026-12-01'),
    async addApp(containers) {
      const port = await freePort()
      const appId = await createApp(esa, { name: `application-${wanted.length}`, servicePort: port, targetPort: 8080 })
      const app = { kind: 'app' as const, key: `app/${appId}/prod`, appId, port, containers, version: '', body: 'two' }
      if (await changeApp(app)) wanted.push(app)
    },
    async addDriver() {
      const driverId = await createDriver(iot, { name: `driver_${wanted.length}`, runtime: 'nodejs8' })
      // A gateway is in one instance, with all its drivers.
      const instanceId = await (instance ??= createInstance(iot, { name: 'hall', spec: 20, gateway }))
      const version = await newDriverVersion(driverId)
      const driver = { kind: 'driver' as const, key: `driver/${instanceId}/${driverId}`, instanceId, driverId, version, mark: 'first' }
      await bind(driver)
      wanted.push(driver)
    },
    async change(one) {
      if (one.kind === 'app') return changeApp(one)
      count += 1
      const next = { ...one, mark: `mark-${count}`, ...(count % 2 === 0 && { version: await newDriverVersion(one.driverId) }) }
      await bind(next)
      Object.assign(one, { version: next.version, mark: next.mark })
      return true
    },
    deployRest,
  }
}
