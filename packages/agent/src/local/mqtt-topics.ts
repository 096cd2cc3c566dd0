// The topics of drivers that speak MQTT, which is what the vendor's library for Java does (contract: iot-edge §8).
import type { DeviceName } from './device-names.ts'

export type MqttRequest =
  | { readonly kind: 'config' }
  | { readonly kind: 'model'; readonly productKey: string }
  | { readonly kind: 'modelConfig'; readonly productKey: string }
  | { readonly kind: 'online' | 'offline' | 'properties'; readonly device: DeviceName }
  | { readonly kind: 'event'; readonly device: DeviceName; readonly name: string }
  | { readonly kind: 'answer'; readonly device: DeviceName; readonly service: string }

const inbox = 'edge/iot/driver/proxy/x'
/** How every topic begins that drivers are spoken to on, and on which they may not speak. */
export const toDrivers = `${inbox}/`
const driverTopic = /^edge\/driver\/([^/]+)\/([^/]+)\/[^/]+\/request\/iot\/driver\/proxy\/x\/(get_config|get_tsl|get_tsl_ext)$/
const deviceTopic = /^edge\/device\/([^/]+)\/([^/]+)\/([^/]+)\/(.+)$/
const presence = /^request\/iot\/driver\/proxy\/x\/(online|offline)$/
const broadcast = /^broadcast\/thing\/[^/]+\/[^/]+\/(?:(property)|event\/([^/]+))$/
const answer = /^response\/iot\/driver\/proxy\/x\/callservice\/thing\/service\/(?:property\/(get|set)|([^/]+))$/

/** What a topic that a driver publishes to asks for; undefined where it is none of these, or another driver's. */
export function parseTopic(topic: string, driverId: string): MqttRequest | undefined {
  const [, owner, productKey = '', member] = driverTopic.exec(topic) ?? []
  if (owner === driverId) {
    if (member === 'get_config') return { kind: 'config' }
    return { kind: member === 'get_tsl' ? 'model' : 'modelConfig', productKey }
  }
  const [, deviceOwner, ofProduct = '', deviceName = '', rest = ''] = deviceTopic.exec(topic) ?? []
  return deviceOwner === driverId ? parseDevice({ productKey: ofProduct, deviceName }, rest) : undefined
}

function parseDevice(device: DeviceName, rest: string): MqttRequest | undefined {
  const [, came] = presence.exec(rest) ?? []
  if (came !== undefined) return { kind: came === 'online' ? 'online' : 'offline', device }
  const [said, , event] = broadcast.exec(rest) ?? []
  if (said !== undefined) return event === undefined ? { kind: 'properties', device } : { kind: 'event', device, name: event }
  const [answered, ofProperty, service] = answer.exec(rest) ?? []
  return answered === undefined ? undefined : { kind: 'answer', device, service: ofProperty ?? service ?? '' }
}

/** Where the answer to a request goes; undefined where none is expected. */
export function replyTopic(request: MqttRequest, driverId: string): string | undefined {
  switch (request.kind) {
    case 'config':
      return `${inbox}/response/driver/${driverId}/x/x/get_config`
    case 'model':
      return `${inbox}/response/driver/${driverId}/${request.productKey}/x/get_tsl`
    case 'modelConfig':
      return `${inbox}/response/driver/${driverId}/${request.productKey}/x/get_tsl_ext`
    case 'online':
    case 'offline':
      return `${inbox}/response/device/${driverId}/${request.device.productKey}/${request.device.deviceName}/${request.kind}`
    default:
      return undefined
  }
}

export function callTopic(driverId: string, { productKey, deviceName }: DeviceName, service: string): string {
  const path = service === 'get' || service === 'set' ? `property/${service}` : service
  return `${inbox}/request/device/${driverId}/${productKey}/${deviceName}/callservice/thing/service/${path}`
}

/** A driver may hear what is meant for it and nothing else. */
export function mayHear(topic: string, driverId: string): boolean {
  return [`${inbox}/response/driver/`, `${inbox}/response/device/`, `${inbox}/request/device/`].some((start) =>
    topic.startsWith(`${start}${driverId}/`),
  )
}
