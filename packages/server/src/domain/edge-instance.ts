// Edge instances: their shape and the rules for their names and tags (contract: iot-edge §1, §9).
import { invalidParam } from './invalid-param.ts'
import { widthOf } from './text.ts'

export interface EdgeInstance {
  readonly id: string
  readonly accountId: string
  readonly name: string
  /** 10 lite, 20 standard, 30 professional. */
  readonly spec: 10 | 20 | 30
  readonly tags?: string
  readonly isEnabled: boolean
  readonly gatewayIotId?: string
  /** State of the newest deployment, absent before the first. */
  readonly latestDeployment?: { readonly type: 'deploy' | 'reset'; readonly status: 0 | 1 | 2 | 3 }
  readonly createdAtMs: number
  readonly modifiedAtMs: number
}

const maxNameWidth = 20
const maxTags = 100
const tagValue = /^[A-Za-z0-9_\-\u4e00-\u9fa5]+$/

/** Throws iot.common.InvalidParam when the name is too wide; Chinese characters count as 2. */
export function parseInstanceName(name: string): string {
  if (widthOf(name) > maxNameWidth)
    throw invalidParam('Name', `is longer than ${maxNameWidth} characters; a Chinese character counts as 2.`)
  return name
}

/** Throws iot.common.InvalidParam when the text is not key:value pairs joined by commas, or a key comes twice. */
export function parseTags(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined
  const pairs = text.split(',')
  if (pairs.length > maxTags) throw invalidParam('Tags', `holds more than ${maxTags} tags.`)
  const keys = pairs.map((pair) => {
    const [key = '', value = '', ...rest] = pair.split(':')
    if (rest.length > 0 || !/^[A-Za-z]{1,20}$/.test(key)) throw invalidParam('Tags', 'must be key:value pairs; a key is up to 20 letters.')
    if (!tagValue.test(value) || widthOf(value) > 20) {
      throw invalidParam('Tags', `has a wrong value for ${key}: up to 20 letters, digits, _ - or Chinese characters, which count as 2.`)
    }
    return key
  })
  if (new Set(keys).size < keys.length) throw invalidParam('Tags', 'has the same key twice.')
  return text
}
