// The devices of the node that drivers in containers get, by whatever path names them: the kernel's (/dev/ttyUSB0) or a stable
// one that leads there (/dev/serial/by-id/…). A container is given the device that is there when it starts; when that is
// pulled out and put back it is another one, and the container is made anew with it. Used by driver-spec.ts, observe.ts
// and stop.ts.
import { realpath, stat } from 'node:fs/promises'
import type { DriverWorkload } from '@littoral/contract/node/desired-state'
import type { Reason } from '@littoral/contract/node/report'
import { hasCode } from '../../files.ts'
import { StepError } from '../runtime.ts'
import type { KeptWorkload } from './labels.ts'

export type DeviceList = NonNullable<DriverWorkload['container']>['devices']

export interface DeviceLook {
  /** Host paths that lead nowhere. */
  readonly missing: readonly string[]
  /** By host path: where it leads to, and what tells this device from the next one of that name. */
  readonly found: Readonly<Record<string, { readonly path: string; readonly identity: string }>>
}

/** Everything a driver in a container waits for; nothing for others, and for privileged ones, which see all devices. */
export function devicesOf(workload: KeptWorkload): DeviceList {
  return workload.kind === 'driver' && workload.container?.privileged === false ? workload.container.devices : []
}

/** Throws StepError DeviceRejected for what is neither a device nor a folder of devices. */
export async function lookAtDevices(devices: DeviceList): Promise<DeviceLook> {
  const missing: string[] = []
  const found: Record<string, { path: string; identity: string }> = {}
  for (const { hostPath } of devices) {
    try {
      const path = await realpath(hostPath)
      const { rdev, ino, ...is } = await statKind(path)
      if (!is.isDevice && !is.isFolder) throw new StepError('DeviceRejected', `${hostPath} is no device`, { isStalled: true })
      found[hostPath] = { path, identity: is.isFolder ? path : `${path} ${rdev} ${ino}` }
    } catch (error) {
      if (!hasCode(error, 'ENOENT') && !hasCode(error, 'ENOTDIR')) throw error
      missing.push(hostPath)
    }
  }
  return { missing, found }
}

async function statKind(path: string) {
  const seen = await stat(path)
  return { rdev: seen.rdev, ino: seen.ino, isDevice: seen.isCharacterDevice() || seen.isBlockDevice(), isFolder: seen.isDirectory() }
}

/** What is noted of the devices a container was made with. */
export function identitiesOf({ found }: DeviceLook): Record<string, string> {
  return Object.fromEntries(Object.entries(found).map(([hostPath, { identity }]) => [hostPath, identity]))
}

/** A device that is there again under another identity, or undefined. Nothing is known of containers of an earlier release. */
export function replacedDevice({ found }: DeviceLook, noted: Readonly<Record<string, string>> | undefined): string | undefined {
  if (noted === undefined) return undefined
  return Object.entries(found).find(([hostPath, { identity }]) => noted[hostPath] !== identity)?.[0]
}

export function missingReason({ missing }: DeviceLook): Reason {
  return { code: 'DeviceMissing', message: `waiting for ${missing.join(', ')}: the driver starts when it is plugged in` }
}

/** How often a missing device is looked for. Looking costs next to nothing, and somebody stands beside the machine. */
const lookAgainMs = 5000

/** Throws StepError DeviceMissing, which is a way of waiting and no failure that grows. */
export function requireAll(look: DeviceLook): DeviceLook {
  if (look.missing.length === 0) return look
  const { code, message } = missingReason(look)
  throw new StepError(code, message, { waitsMs: lookAgainMs })
}
