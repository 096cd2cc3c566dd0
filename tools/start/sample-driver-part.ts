// The driver part of `npm start`: a package zipped on the spot, uploaded, versioned, released, bound to this machine's
// gateway and deployed with the official client, until its process writes lines.
import { configureDriver, createDriver, createInstance, deploy, releaseDriverVersion, throwing, type Gateway } from '../journey/driver.ts'
import { sampleDriver } from '../journey/sample-driver.ts'
import { sdkCall, type Call, type Key } from '../official-clients.ts'
import type { Memory } from './memory.ts'
import type { Screen } from './screen.ts'

export interface DriverPart {
  readonly screen: Screen
  readonly url: string
  readonly key: Key
  readonly gateway: Gateway
  readonly memory: Memory
  readonly remember: () => void
  /** The last lines of the driver on the node, once it wrote any. */
  readonly readLines: (instanceId: string, driverId: string) => Promise<string[]>
}

export interface DriverOutcome {
  readonly driverId: string
  readonly instanceId: string
  readonly lines: readonly string[]
}

const version = '1.0.0'

export async function runDriver(part: DriverPart): Promise<DriverOutcome> {
  const call = iotCall(part)
  const known = part.memory.driver
  const isKnown = known !== undefined && (await stillDeployed(call, known.instanceId))
  const ids = isKnown ? known : await walk(call, part)
  const lines = await part.screen.step('its process writes', async (say) => {
    const read = await part.readLines(ids.instanceId, ids.driverId)
    say(`"${read.at(-1) ?? ''}"`)
    return read
  })
  return { ...ids, lines }
}

export function iotCall(part: Pick<DriverPart, 'url' | 'key'>): Call {
  return throwing(sdkCall('@alicloud/iot20180120', part.url, part.key))
}

async function stillDeployed(call: Call, instanceId: string): Promise<boolean> {
  try {
    const { Data } = await call('GetEdgeInstance', { InstanceId: instanceId })
    return (Data as { LatestDeploymentStatus?: number }).LatestDeploymentStatus === 2
  } catch {
    return false
  }
}

async function walk(call: Call, { screen, gateway, memory, remember }: DriverPart): Promise<{ driverId: string; instanceId: string }> {
  const suffix = Date.now().toString(36)
  const sample = await sampleDriver()
  const driverId = await screen.step('CreateEdgeDriver', async (say) => {
    const id = await createDriver(call, { name: `thermo_${suffix}`, runtime: sample.runtime })
    say(`${id}, ${sample.runtime}`)
    return id
  })
  await screen.step('upload, CreateEdgeDriverVersion, release', async (say) => {
    await releaseDriverVersion(call, { driverId, version, fileName: sample.fileName, zip: sample.zip })
    say(`${version}, ${sample.zip.length} bytes`)
  })
  const instanceId = await screen.step('CreateEdgeInstance, gateway, driver, config', async (say) => {
    const id = await createInstance(call, { name: `edge_${suffix}`, spec: 20, gateway })
    await call('BindDriverToEdgeInstance', { InstanceId: id, DriverId: driverId, DriverVersion: version })
    await configureDriver(call, { instanceId: id, driverId, config: { unit: 'celsius' } })
    say(id)
    return id
  })
  await screen.step('CreateEdgeInstanceDeployment', async (say) => say(`${await deploy(call, instanceId)} succeeded`))
  memory.driver = { driverId, instanceId }
  remember()
  return { driverId, instanceId }
}
