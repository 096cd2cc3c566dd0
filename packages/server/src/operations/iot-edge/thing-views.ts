// What devices reported → the shapes of the wire.
import { present } from '../../domain/present.ts'
import type { DeviceState } from '../../store/iot-edge/device-states.ts'
import type { NodeRecord } from '../../store/nodes.ts'

export type DeviceStatus = 'UNACTIVE' | 'ONLINE' | 'OFFLINE'

/** What is known of a device: the node it is, if it is a gateway, or what its driver said, if it is behind one. */
export interface DevicePresence {
  readonly node?: NodeRecord | undefined
  readonly state?: DeviceState | undefined
}

export interface StatusView {
  readonly status: DeviceStatus
  /** Since when it is as it is. */
  readonly sinceMs?: number
  readonly activeAtMs?: number
  readonly onlineAtMs?: number
}

export function toStatus({ node, state }: DevicePresence): StatusView {
  if (node !== undefined) {
    const { isOnline, createdAtMs: activeAtMs, lastSeenAtMs } = node
    return { status: isOnline ? 'ONLINE' : 'OFFLINE', activeAtMs, ...present({ onlineAtMs: lastSeenAtMs, sinceMs: lastSeenAtMs }) }
  }
  if (state?.firstOnlineAtMs === undefined) return { status: 'UNACTIVE' }
  const { isOnline, sinceMs, firstOnlineAtMs: activeAtMs, lastOnlineAtMs: onlineAtMs } = state
  return { status: isOnline ? 'ONLINE' : 'OFFLINE', sinceMs, activeAtMs, ...present({ onlineAtMs }) }
}

/** JSON text of a value as the vendor shows values: texts bare, the rest as JSON. */
export function toValueText(json: string): string {
  const value: unknown = JSON.parse(json)
  return typeof value === 'string' ? value : json
}

const dataTypes: Readonly<Record<string, string>> = { number: 'double', boolean: 'bool', string: 'text', object: 'struct' }

export function toDataType(json: string): string {
  const value: unknown = JSON.parse(json)
  return Array.isArray(value) ? 'array' : (dataTypes[typeof value] ?? 'text')
}
