// What a deployment job is made of: the resources an edge instance holds now, and those its gateway has and shall lose.
// Pure; operations/iot-edge/deployments.ts reads the content and stores the job.
import { Fault } from '@littoral/contract/errors'
import type { DriverWorkload } from '@littoral/contract/node/desired-state'
import type { Resource, ResourceType } from './deployment.ts'
import { maxOptions } from './driver-version.ts'
import { type AssignedDriver, driverKey, effectiveConfigs, newDriverWorkload } from './driver-workload.ts'
import type { EdgeInstance } from './edge-instance.ts'
import type { MessageRoute } from './message-route.ts'

/** What an instance holds beside its drivers. */
export interface BoundResources {
  readonly routes: readonly MessageRoute[]
  readonly sceneRuleIds: readonly string[]
  readonly applications: readonly { readonly id: string; readonly version: string }[]
  readonly role?: EdgeInstance['role']
}

/** What is on the gateway, as far as earlier jobs have told. */
export interface DeployedResource {
  readonly type: ResourceType
  readonly id: string
  readonly name: string
}

/** Bounds of what a node takes (contract: node/desired-state), with room for what else is told to it. */
const maxFiles = 64
const maxFileName = 255
const maxBindings = 2000
const maxConfigCharacters = 4_000_000
const maxJobBytes = 12_000_000

/** Throws iot.common.ParameterSizeLimit when a driver, or all of them together, are more than a node takes. */
export function checkSizes(resources: readonly Resource[]): void {
  const workloads = resources.flatMap(({ workload }) => (workload === undefined ? [] : [workload]))
  workloads.forEach(checkSize)
  const contents = resources.flatMap(({ content }) => content ?? [])
  if (contents.length > maxBindings) throw tooLarge(`The instance has more than ${maxBindings} routes, rules and applications.`)
  const texts = [...workloads.map((workload) => JSON.stringify(workload)), ...contents]
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  if (bytes > maxJobBytes) throw tooLarge(`What the instance holds has more than ${maxJobBytes} bytes.`)
}

function checkSize({ driverName, files, config, arguments: options }: DriverWorkload): void {
  if (files.length > maxFiles) throw tooLarge(`The driver ${driverName} and its channels have more than ${maxFiles} configuration files.`)
  if (config.length > maxConfigCharacters) {
    throw tooLarge(`The driver ${driverName} has more than ${maxConfigCharacters} characters of configuration.`)
  }
  // Versions from before this was looked at when they are created.
  if (options.length > maxOptions) throw tooLarge(`The driver ${driverName} has more than ${maxOptions} options in its Argument.`)
  const long = files.find(({ name }) => name.length > maxFileName)
  if (long !== undefined) throw tooLarge(`The driver ${driverName} has a file whose name is too long: ${long.name}.`)
}

function tooLarge(detail: string): Fault {
  return new Fault('iot.common.ParameterSizeLimit', { Detail: detail })
}

/** Everything that a deploy job puts on the gateway. */
export function resourcesOf(drivers: readonly AssignedDriver[], bound: BoundResources): Resource[] {
  const put = (type: ResourceType, id: string, name: string, content?: object): Resource => ({
    resourceType: type,
    resourceId: id,
    resourceName: name,
    operateType: 0,
    ...(content === undefined ? {} : { content: JSON.stringify(content) }),
  })
  // One for all devices: so the vendor's sample shows it.
  const hasDevices = drivers.some(({ devices }) => devices.length > 0)
  return [
    ...drivers.flatMap(driverResources),
    ...(hasDevices ? [put('device_config', 'device_config', 'device_config')] : []),
    ...bound.applications.map(({ id, version }) => put('application', id, `${id}:${version}`, { version })),
    ...bound.routes.map((route) => put('message_route', String(route.id), route.name ?? String(route.id), routeContent(route))),
    ...bound.sceneRuleIds.map((id) => put('scene_rule', id, id, {})),
    ...(bound.role === undefined ? [] : [put('role', bound.role.arn, bound.role.name, {})]),
  ]
}

function routeContent({ sourceType, sourceData, topicFilter, targetType, targetData, qos }: MessageRoute): object {
  return { sourceType, sourceData, topicFilter, targetType, targetData, ...(qos === undefined ? {} : { qos }) }
}

/** An assigned driver, and its configuration if it or one of its channels has some. */
function driverResources(assigned: AssignedDriver): Resource[] {
  const { driver, instanceId, channels } = assigned
  const about = { resourceId: driver.id, resourceName: driver.name, operateType: 0 as const, workloadKey: driverKey(instanceId, driver.id) }
  const isConfigured = effectiveConfigs(assigned).length > 0 || channels.length > 0
  return [
    { ...about, resourceType: 'driver', workload: newDriverWorkload(assigned) },
    ...(isConfigured ? [{ ...about, resourceType: 'driver_config' as const }] : []),
  ]
}

/** What is on the gateway and not part of the job; everything when the job is a reset. */
export function removalsOf(instanceId: string, deployed: readonly DeployedResource[], kept: readonly Resource[]): Resource[] {
  const keptIds = new Set(kept.map(({ resourceType, resourceId }) => `${resourceType} ${resourceId}`))
  const gone = new Map(deployed.map((resource) => [`${resource.type} ${resource.id}`, resource]))
  return [...gone]
    .filter(([id]) => !keptIds.has(id))
    .map(([, { type, id, name }]) => ({
      resourceType: type,
      resourceId: id,
      resourceName: name,
      operateType: 1 as const,
      ...(type === 'driver' || type === 'driver_config' ? { workloadKey: driverKey(instanceId, id) } : {}),
    }))
}
