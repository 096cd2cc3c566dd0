// Channels: the links of an assigned driver towards its field devices.
import type { StoredBlock } from './driver-config.ts'
import { invalidParam } from './invalid-param.ts'
import { widthOf } from './text.ts'

export interface Channel {
  readonly id: string
  readonly instanceId: string
  readonly driverId: string
  readonly accountId: string
  readonly name: string
  readonly configs: readonly StoredBlock[]
  readonly createdAtMs: number
  readonly modifiedAtMs: number
}

const maxNameWidth = 30

/** Throws iot.common.InvalidParam when the name is too wide; Chinese characters count as 2. */
export function parseChannelName(name: string): string {
  if (widthOf(name) > maxNameWidth) {
    throw invalidParam('ChannelName', `is longer than ${maxNameWidth} characters; a Chinese character counts as 2.`)
  }
  return name
}
