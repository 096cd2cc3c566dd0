// What devices behind gateways report: state, properties, events.
import * as operations from '@littoral/contract/iot-edge/thing-data'
import type { Handlers } from '@littoral/contract/operation'
import { invalidParam } from '../../domain/invalid-param.ts'
import { present } from '../../domain/present.ts'
import * as states from '../../store/iot-edge/device-states.ts'
import * as devices from '../../store/iot-edge/devices.ts'
import type { ReadTx } from '../../store/store.ts'
import type { DeviceHistoryRow } from '../../store/tables/device-states.ts'
import type { Context } from '../context.ts'
import { deviceRef } from './device-registry.ts'
import { presenceOf } from './presence.ts'
import { toDataType, toStatus, toValueText } from './thing-views.ts'

export const handlers = {
  async QueryDevicePropertyStatus(input, { store, principal }) {
    if (input.FunctionBlockId && input.FunctionBlockId !== 'default')
      throw invalidParam('FunctionBlockId', 'must be default: nothing else is kept.')
    const ref = deviceRef(input)
    return store.read(async (tx) => {
      const { iotId } = await devices.get(tx, principal.accountId, ref)
      const found = await states.listProperties(tx, [iotId])
      const PropertyStatusInfo = found.map(({ name, value, at_ms }) => ({
        Identifier: name,
        Name: name,
        DataType: toDataType(value),
        Value: toValueText(value),
        Time: String(at_ms),
      }))
      return { Data: { List: { PropertyStatusInfo } } }
    })
  },

  async QueryDevicePropertyData(input, { store, principal }) {
    return store.read(async (tx) => {
      const { iotId } = await devices.get(tx, principal.accountId, deviceRef(input))
      const { rows, next } = await pageOf(tx, input, { iotId, kind: 'property', name: input.Identifier })
      return {
        Data: { List: { PropertyInfo: rows.map(({ at_ms, value }) => ({ Time: String(at_ms), Value: toValueText(value) })) }, ...next },
      }
    })
  },

  async QueryDeviceEventData(input, { store, principal }) {
    if (input.EventType) throw invalidParam('EventType', 'must be left out: kinds of events belong to thing models, which are not read.')
    return store.read(async (tx) => {
      const { iotId } = await devices.get(tx, principal.accountId, deviceRef(input))
      const { rows, next } = await pageOf(tx, input, { iotId, kind: 'event', ...present({ name: input.Identifier || undefined }) })
      const EventInfo = rows.map(({ name, at_ms, value }) => ({ Identifier: name, Name: name, OutputData: value, Time: String(at_ms) }))
      return { Data: { List: { EventInfo }, ...next } }
    })
  },

  async GetDeviceStatus(input, { store, principal }) {
    return store.read(async (tx) => {
      const { iotId } = await devices.get(tx, principal.accountId, deviceRef(input))
      const { status, sinceMs } = toStatus(await presenceOf(tx, iotId))
      return { Data: { Status: status, ...present({ Timestamp: sinceMs }) } }
    })
  },
} satisfies Handlers<typeof operations, Context>

interface Window {
  readonly StartTime: number
  readonly EndTime: number
  readonly Asc?: number
  readonly PageSize?: number
}

type HistoryOf = Pick<states.HistoryFilter, 'iotId' | 'kind' | 'name'>

/** One entry more than the page tells whether there is a next one. */
async function pageOf(tx: ReadTx, { StartTime, EndTime, Asc, PageSize = 10 }: Window, of: HistoryOf) {
  const isAscending = Asc === 1
  const [fromMs, untilMs] = [Math.min(StartTime, EndTime), Math.max(StartTime, EndTime)]
  const found = await states.listHistory(tx, { ...of, fromMs, untilMs, isAscending, limit: PageSize + 1 })
  const rows: readonly DeviceHistoryRow[] = found.slice(0, PageSize)
  const following = found[PageSize]
  return { rows, next: { NextValid: following !== undefined, ...present({ NextTime: following?.at_ms }) } }
}
