// Driver versions: their shape, the rules inside their JSON parameters, and what a container is made of
// (contract: iot-edge §4, §5 and iot-edge.json, CreateEdgeDriverVersion).
import type { ConfigCheckRule, ContainerConfig } from '@littoral/contract/iot-edge/version-json'
import type { DriverContainer } from '@littoral/contract/node/desired-state'
import type { ConfigBlock } from './driver-config.ts'
import { invalidParam, parseJsonText } from './invalid-param.ts'
import { byteLength } from './text.ts'

export interface DriverPackage {
  readonly sha256: string
  readonly sizeBytes: number
}

/** Everything that UpdateEdgeDriverVersion replaces as a whole. */
export interface VersionContent {
  readonly edgeVersion: string
  readonly argument?: string
  readonly description?: string
  readonly source?: { readonly address: string; readonly key: string }
  readonly configs: readonly ConfigBlock[]
  readonly checkRule?: ConfigCheckRule
  readonly container?: ContainerConfig
}

export interface DriverVersion extends VersionContent {
  readonly driverId: string
  readonly accountId: string
  readonly version: string
  readonly isReleased: boolean
  /** The code as it was when the version was released; a later upload under the same address changes nothing. */
  readonly package?: DriverPackage
  readonly createdAtMs: number
  readonly modifiedAtMs: number
}

export const maxDescriptionBytes = 256
export const uploadLifeMs = 300_000

/** Throws iot.common.InvalidParam when the description is too long; its limit counts bytes, not characters. */
export function parseDescription(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined
  if (byteLength(text) > maxDescriptionBytes) throw invalidParam('Description', `is longer than ${maxDescriptionBytes} bytes.`)
  return text
}

/** The rule with only its known keys; an absent one means not required. */
export function parseCheckRule(text: string): ConfigCheckRule {
  const { driverConfig, deviceConfig } = parseJsonText('ConfigCheckRule', text) as ConfigCheckRule
  return {
    ...(deviceConfig === undefined ? {} : { deviceConfig: { required: deviceConfig.required ?? false } }),
    ...(driverConfig === undefined ? {} : { driverConfig: { required: driverConfig.required ?? false } }),
  }
}

/** Throws iot.common.InvalidParam for what the schema cannot say: roots in disguise, ways out of /dev, duplicates. */
export function parseContainerConfig(text: string): ContainerConfig {
  const config = parseJsonText('ContainerConfig', text) as ContainerConfig
  const { portMappings = [], devMappings = [], volumeMappings = [] } = config
  devMappings.forEach(({ hostPath }, place) => checkDevicePath(`ContainerConfig.devMappings[${place}].hostPath`, hostPath))
  volumeMappings.forEach(({ hostPath, containerPath }, place) => {
    const field = `ContainerConfig.volumeMappings[${place}]`
    if (hasControlCharacter(hostPath)) throw invalidParam(`${field}.hostPath`, 'holds a control character.')
    if (hasControlCharacter(containerPath)) throw invalidParam(`${field}.containerPath`, 'holds a control character.')
    if (normalPath(containerPath) === '/') throw invalidParam(`${field}.containerPath`, 'must not be the root directory.')
  })
  const ports = portMappings.map(({ hostPort, protocol }) => `${hostPort}/${protocol}`)
  if (hasTwice(ports)) throw invalidParam('ContainerConfig.portMappings', 'has the same hostPort and protocol twice.')
  if (hasTwice(volumeMappings.map(({ containerPath }) => normalPath(containerPath)))) {
    throw invalidParam('ContainerConfig.volumeMappings', 'has the same containerPath twice.')
  }
  return config
}

function checkDevicePath(field: string, path: string): void {
  if (hasControlCharacter(path)) throw invalidParam(field, 'holds a control character.')
  if (path.split('/').includes('..')) throw invalidParam(field, 'must not hold a .. segment.')
  if (normalPath(path) === '/dev') throw invalidParam(field, 'must name a device below /dev/.')
}

// By hand, because domain code stays free of node:path, whose rules differ between platforms.
function normalPath(path: string): string {
  const segments: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop()
    else if (segment !== '' && segment !== '.') segments.push(segment)
  }
  return `/${segments.join('/')}`
}

function hasControlCharacter(text: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return /[\u0000-\u001f\u007f]/.test(text)
}

function hasTwice(values: readonly string[]): boolean {
  return new Set(values).size < values.length
}

/** What a node makes the container from. Ports say nothing in host mode, devices nothing when all are visible anyway. */
export function toDriverContainer(config: ContainerConfig | undefined): DriverContainer {
  const { privileged = 0, hostNetworkMode = 0, portMappings = [], devMappings = [], volumeMappings = [] } = config ?? {}
  return {
    privileged: privileged === 1,
    hostNetwork: hostNetworkMode === 1,
    ports: hostNetworkMode === 1 ? [] : portMappings,
    devices: privileged === 1 ? [] : devMappings.map(({ hostPath, permission }) => ({ hostPath, permission })),
    volumes: volumeMappings,
  }
}

/** What a node takes (contract: node/desired-state). */
export const maxOptions = 256

/** JVM options as they were written; throws iot.common.InvalidParam when there are more than a node takes. */
export function parseArgument(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined
  if (splitArgument(text).length > maxOptions) throw invalidParam('Argument', `has more than ${maxOptions} options.`)
  return text
}

/** JVM options as a list: blanks separate, quotes hold together. */
export function splitArgument(argument: string | undefined): string[] {
  const words = (argument ?? '').match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? []
  return words.map((word) =>
    word.replaceAll(/"([^"]*)"|'([^']*)'/g, (_, double: string | undefined, single: string | undefined) => double ?? single ?? ''),
  )
}

/** The plain address of the code; other keys, such as an echoed temporaryOssAddress, are dropped. */
export function parseSource(text: string): string {
  return (parseJsonText('SourceConfig', text) as { ossAddress: string }).ossAddress
}
