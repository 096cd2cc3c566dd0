// Whether a device is connected: a gateway by its node, any other by the word of its driver.
import * as states from '../../store/iot-edge/device-states.ts'
import * as nodes from '../../store/nodes.ts'
import type { ReadTx } from '../../store/store.ts'
import type { DevicePresence } from './thing-views.ts'

export async function presenceOf(tx: ReadTx, iotId: string): Promise<DevicePresence> {
  const node = await nodes.findByGateway(tx, iotId)
  return { node, state: node ? undefined : (await states.listByIds(tx, [iotId])).get(iotId) }
}
