// Calls of devices behind gateways: through the gateway's node to the driver, and its answer back.
import * as operations from '@littoral/contract/iot-edge/thing-calls'
import { Fault } from '@littoral/contract/errors'
import type { Handlers } from '@littoral/contract/operation'
import { invalidParam } from '../../domain/invalid-param.ts'
import * as devices from '../../store/iot-edge/devices.ts'
import * as edgeInstances from '../../store/iot-edge/edge-instances.ts'
import * as instanceDevices from '../../store/iot-edge/instance-devices.ts'
import * as nodes from '../../store/nodes.ts'
import type { Context } from '../context.ts'
import { deviceRef } from './device-registry.ts'

/** What a device has for its answer; the vendor waits about as long. */
const timeoutMs = 8000
const ofProperties: ReadonlySet<string> = new Set(['get', 'set'])

export const handlers = {
  async InvokeThingService(input, context) {
    const { Identifier: service, Args: params } = input
    if (ofProperties.has(service)) throw invalidParam('Identifier', 'must not be get or set; use SetDeviceProperty.')
    const { MessageId, data } = await call(input, { service, params }, context)
    return { Data: { MessageId, Result: JSON.stringify(data) } }
  },

  async SetDeviceProperty(input, context) {
    const { MessageId } = await call(input, { service: 'set', params: input.Items }, context)
    return { Data: { MessageId } }
  },
} satisfies Handlers<typeof operations, Context>

interface Answer {
  readonly code: number
  readonly message: string
  readonly data: unknown
}

async function call(named: Parameters<typeof deviceRef>[0], what: { service: string; params: string }, context: Context) {
  const { productKey, deviceName, nodeId } = await placeOf(named, context)
  const MessageId = context.ids.digits(19)
  const request = { kind: 'call' as const, productKey, deviceName, ...what, timeoutMs }
  let answer: Answer
  try {
    answer = JSON.parse(await context.nodes.callDevice(nodeId, request)) as Answer
  } catch (error) {
    context.log.info({ messageId: MessageId, nodeId, err: error }, 'a call of a device failed')
    throw toFault(error)
  }
  if (answer.code !== 0)
    throw new Fault('iot.device.CallFailed', { Detail: `code ${answer.code}, ${answer.message || 'without a reason'}` })
  return { MessageId, data: answer.data }
}

/** The node behind whose gateway the device is; throws iot.device.DeviceOffline where there is none. */
async function placeOf(named: Parameters<typeof deviceRef>[0], { store, principal }: Context) {
  const ref = deviceRef(named)
  return store.read(async (tx) => {
    const { iotId, productKey, name: deviceName } = await devices.get(tx, principal.accountId, ref)
    const holder = (await instanceDevices.holdersOf(tx, [iotId])).get(iotId)
    if (holder === undefined) throw new Fault('iot.device.DeviceOffline', { Detail: 'it is in no edge instance' })
    const { gatewayIotId } = await edgeInstances.get(tx, principal.accountId, holder.instanceId)
    const node = gatewayIotId === undefined ? undefined : await nodes.findByGateway(tx, gatewayIotId)
    if (node === undefined) throw new Fault('iot.device.DeviceOffline', { Detail: 'its edge instance has no gateway that ever connected' })
    return { productKey, deviceName, nodeId: node.id }
  })
}

function toFault(error: unknown): Fault {
  const { code, message } = error as { code?: string; message?: string }
  const Detail = message ?? String(error)
  if (code === 'NodeUnreachable' || code === 'DeviceOffline') return new Fault('iot.device.DeviceOffline', { Detail }, { cause: error })
  if (code === 'CallTimeout') return new Fault('iot.device.CallTimeout', {}, { cause: error })
  return new Fault('iot.device.CallFailed', { Detail }, { cause: error })
}
