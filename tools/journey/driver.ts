// A driver's way from its creation to a running process on a gateway, through whichever client `call` stands for.
// `npm start` and the tests walk it.
import type { Call } from '../official-clients.ts'
import { until } from './wait.ts'

export interface Gateway {
  readonly productKey: string
  readonly deviceName: string
  readonly deviceSecret: string
  readonly iotId: string
}

/** A call whose refusal is thrown: the IoT family answers it with HTTP 200, and the client hands it back as a result. */
export function throwing(call: Call): Call {
  return async (action, input) => {
    const answer = await call(action, input)
    if (answer['Success'] !== false) return answer
    throw Object.assign(new Error(`${action}: ${String(answer['Code'])}: ${String(answer['ErrorMessage'])}`), { code: answer['Code'] })
  }
}

/** A product of gateways with one device in it. */
export async function registerGateway(call: Call, names: { product: string; device: string }): Promise<Gateway> {
  const { Data: product } = await call('CreateProduct', { ProductName: names.product, NodeType: 1 })
  const { ProductKey } = product as { ProductKey: string }
  const { Data: device } = await call('RegisterDevice', { ProductKey, DeviceName: names.device })
  const { IotId, DeviceSecret } = device as { IotId: string; DeviceSecret: string }
  return { productKey: ProductKey, deviceName: names.device, deviceSecret: DeviceSecret, iotId: IotId }
}

export interface NewDriver {
  readonly name: string
  readonly runtime: 'python3' | 'nodejs8'
}

export async function createDriver(call: Call, driver: NewDriver): Promise<string> {
  const { DriverId } = await call('CreateEdgeDriver', {
    DriverName: driver.name,
    DriverProtocol: 'customize',
    Runtime: driver.runtime,
    IsBuiltIn: false,
  })
  return String(DriverId)
}

export interface NewDriverVersion {
  readonly driverId: string
  readonly version: string
  readonly fileName: string
  readonly zip: Buffer
  readonly more?: Readonly<Record<string, unknown>>
}

/** Uploads the package to the signed address, and returns the address to refer to it by. */
export async function uploadPackage(call: Call, version: NewDriverVersion): Promise<string> {
  const { Data } = await call('CreateEdgeOssPreSignedAddress', {
    Type: 'DRIVER_VERSION_CONTENT',
    ResourceId: version.driverId,
    ResourceVersion: version.version,
    FileName: version.fileName,
  })
  const { OssAddress, OssPreSignedAddress } = Data as { OssAddress: string; OssPreSignedAddress: string }
  const answer = await fetch(OssPreSignedAddress, { method: 'PUT', body: new Uint8Array(version.zip), signal: AbortSignal.timeout(30_000) })
  if (!answer.ok) throw new Error(`the upload was refused with ${answer.status}: ${(await answer.text()).slice(0, 300)}`)
  return OssAddress
}

/** Uploads, creates and releases a version. */
export async function releaseDriverVersion(call: Call, version: NewDriverVersion): Promise<void> {
  const ossAddress = await uploadPackage(call, version)
  const key = { DriverId: version.driverId, DriverVersion: version.version }
  await call('CreateEdgeDriverVersion', { ...key, EdgeVersion: '2.4.0', SourceConfig: JSON.stringify({ ossAddress }), ...version.more })
  await call('ReleaseEdgeDriverVersion', key)
}

/** An edge instance with the gateway in it. */
export async function createInstance(call: Call, instance: { name: string; spec: 20 | 30; gateway: Gateway }): Promise<string> {
  const { InstanceId } = await call('CreateEdgeInstance', { Name: instance.name, Spec: instance.spec })
  const { productKey, deviceName, iotId } = instance.gateway
  await call('BindGatewayToEdgeInstance', { InstanceId, ProductKey: productKey, DeviceName: deviceName, IotId: iotId })
  return String(InstanceId)
}

export async function configureDriver(call: Call, driver: { instanceId: string; driverId: string; config: object }): Promise<void> {
  const Configs = [{ Format: 'JSON', Content: JSON.stringify(driver.config), Key: 'settings' }]
  await call('SetEdgeInstanceDriverConfigs', { InstanceId: driver.instanceId, DriverId: driver.driverId, Configs })
}

interface Deployment {
  readonly Status: number
  readonly TaskList?: readonly { readonly ResourceSnapshotList?: readonly { readonly Status: number; readonly Log?: string }[] }[]
}

/** Deploys what the instance holds and waits for the outcome; a failure is thrown with the node's own words. */
export async function deploy(call: Call, instanceId: string, timeoutMs = 60_000): Promise<string> {
  const { DeploymentId } = await call('CreateEdgeInstanceDeployment', { InstanceId: instanceId, Type: 'deploy' })
  const ask = async () => {
    const { Data } = await call('GetEdgeInstanceDeployment', { InstanceId: instanceId, DeploymentId })
    const deployment = Data as Deployment
    return deployment.Status >= 2 ? deployment : undefined
  }
  const deployment = await until('the deployment', timeoutMs, ask, 300)
  if (deployment.Status === 2) return String(DeploymentId)
  throw new Error(`the deployment failed: ${lastWords(deployment)}`)
}

function lastWords(deployment: Deployment): string {
  const snapshots = (deployment.TaskList ?? []).flatMap((task) => task.ResourceSnapshotList ?? [])
  const logs = snapshots.filter((snapshot) => snapshot.Status === 3).map((snapshot) => snapshot.Log ?? '[]')
  const messages = logs.flatMap((log) => (JSON.parse(log) as { message?: string }[]).map((entry) => entry.message ?? ''))
  return messages.at(-1) ?? 'the node gave no reason'
}
