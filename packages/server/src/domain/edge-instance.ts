// Edge instances: their shape and the rules for their names and tags (contract: iot-edge §1, §9).
import { Fault } from '@littoral/contract/errors'
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
  readonly role?: { readonly arn: string; readonly name: string; readonly attachedAtMs: number }
  readonly createdAtMs: number
  readonly modifiedAtMs: number
}

const maxNameWidth = 20
const maxTags = 100
// The vendor's text says letters only, its own samples have k1:v1: the wider set is taken, as for version numbers.
const tagKey = /^[A-Za-z0-9]{1,20}$/
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
    if (rest.length > 0 || !tagKey.test(key)) throw invalidParam('Tags', 'must be key:value pairs; a key is up to 20 letters and digits.')
    if (!tagValue.test(value) || widthOf(value) > 20) {
      throw invalidParam('Tags', `has a wrong value for ${key}: up to 20 letters, digits, _ - or Chinese characters, which count as 2.`)
    }
    return key
  })
  if (new Set(keys).size < keys.length) throw invalidParam('Tags', 'has the same key twice.')
  return text
}

/** Running: a job is under way, or the newest one was a deploy that succeeded (contract: iot-edge §3). */
export function isRunning({ latestDeployment }: EdgeInstance): boolean {
  if (latestDeployment === undefined) return false
  return latestDeployment.status < 2 || (latestDeployment.type === 'deploy' && latestDeployment.status === 2)
}

/** Throws iot.ruleng.InvalidRamRole when the text is not the resource name of a role. */
export function parseRoleArn(arn: string): string {
  if (!/^acs:ram::\d{1,32}:role\/[A-Za-z0-9.@\-_]{1,64}$/.test(arn)) throw new Fault('iot.ruleng.InvalidRamRole')
  return arn
}

const idPattern = /^[A-Za-z0-9_-]{1,64}$/

/** There is no register of scene rules, so any id that could be one is taken; throws iot.rule.NotFoundRule. */
export function parseRuleId(id: string): string {
  if (!idPattern.test(id)) throw new Fault('iot.rule.NotFoundRule')
  return id
}

/** There is no register of applications, so any id that could be one is taken; throws iot.edge.ApplicationNotExist. */
export function parseApplicationId(id: string): string {
  if (!idPattern.test(id)) throw new Fault('iot.edge.ApplicationNotExist')
  return id
}

/** Throws iot.common.InvalidParam. */
export function parseApplicationVersion(version: string): string {
  if (!/^[A-Za-z0-9_.-]{1,64}$/.test(version)) throw invalidParam('ApplicationVersion', 'must be up to 64 letters, digits, _ - or periods.')
  return version
}
