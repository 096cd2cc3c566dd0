// An assigned driver as a workload: what a deployment freezes and a gateway's node is told. See
// docs/decisions/0004-drivers-without-devices.md for when it runs in a container, and that it always starts.
import type { DriverWorkload } from '@littoral/contract/node/desired-state'
import type { Driver } from './driver.ts'
import { channelFiles, type ConfigBlock, type ConfiguredChannel, type ConfiguredDevice, toDriverConfigText } from './driver-config.ts'
import { type DriverVersion, splitArgument, toDriverContainer } from './driver-version.ts'
import { workloadDigest } from './workload.ts'

export interface AssignedDriver {
  readonly instanceId: string
  readonly spec: 10 | 20 | 30
  readonly driver: Driver
  readonly version: DriverVersion
  /** Set in the instance; where there are none the version's own apply. */
  readonly configs: readonly ConfigBlock[]
  readonly devices: readonly ConfiguredDevice[]
  readonly channels: readonly ConfiguredChannel[]
}

export function driverKey(instanceId: string, driverId: string): string {
  return `driver/${instanceId}/${driverId}`
}

/** Where a node fetches a stored object with its own credential. */
export function objectPath(sha256: string): string {
  return `/node/v1/objects/${sha256}`
}

/** The instance's own configuration, else the version's default, else nothing (contract: iot-edge §4). */
export function effectiveConfigs(assigned: AssignedDriver): readonly ConfigBlock[] {
  return assigned.configs.length > 0 ? assigned.configs : assigned.version.configs
}

/**
 * What a deployment hands to a gateway is on trial there: a gateway that loses contact with it goes back by itself, and each
 * deployment is another try (docs/decisions/0007-confirmed-versions.md).
 */
export function onTrial(workload: DriverWorkload, trialId: string, confirmSeconds: number): DriverWorkload {
  return confirmSeconds === 0 ? workload : { ...workload, confirmSeconds, trialId }
}

export function newDriverWorkload(assigned: AssignedDriver): DriverWorkload {
  const { instanceId, spec, driver, version, devices, channels } = assigned
  const configs = effectiveConfigs(assigned)
  const withFiles = [...configs, ...channels.flatMap((channel) => channelFiles(channel.id, channel.configs))]
  const isContainer = spec === 30 || version.container !== undefined
  const workload = {
    kind: 'driver' as const,
    key: driverKey(instanceId, driver.id),
    version: version.version,
    digest: '',
    driverId: driver.id,
    driverName: driver.name,
    runtime: driver.runtime,
    ...(driver.runtime === 'c' && driver.cpuArch !== undefined ? { cpuArch: driver.cpuArch } : {}),
    edgeVersion: version.edgeVersion,
    ...(version.package === undefined ? {} : { package: { path: objectPath(version.package.sha256), ...version.package } }),
    arguments: driver.runtime === 'java8' ? splitArgument(version.argument) : [],
    config: toDriverConfigText(configs, devices, channels),
    files: withFiles.flatMap(({ file }) => (file === undefined ? [] : [{ ...file, path: objectPath(file.sha256) }])),
    ...(isContainer ? { container: toDriverContainer(version.container) } : {}),
  }
  return { ...workload, digest: workloadDigest(workload) }
}
