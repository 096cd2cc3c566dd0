// Thing models of products.
import * as operations from '@littoral/contract/iot-edge/thing-models'
import type { Handlers } from '@littoral/contract/operation'
import { invalidParam } from '../../domain/invalid-param.ts'
import * as products from '../../store/iot-edge/products.ts'
import * as models from '../../store/iot-edge/thing-models.ts'
import type { Context } from '../context.ts'
import { refuseSet } from './refuse-set.ts'

export const handlers = {
  async ImportThingModelTsl(input, { store, principal, now }) {
    refuseSet(input, ['TslUrl', 'FunctionBlockName'])
    refuseModule(input.FunctionBlockId)
    const { ProductKey, TslStr } = input
    if (!TslStr) throw invalidParam('TslStr', 'is needed.')
    await store.write(async (tx) => {
      const { key } = await products.get(tx, principal.accountId, ProductKey)
      models.update(tx, { productKey: key, model: TslStr, nowMs: now() })
    })
    return {}
  },

  async GetThingModelTsl(input, { store, principal }) {
    refuseSet(input, ['ModelVersion'])
    refuseModule(input.FunctionBlockId)
    return store.read(async (tx) => {
      const { key } = await products.get(tx, principal.accountId, input.ProductKey)
      return { Data: { TslStr: (await models.find(tx, key)) ?? emptyModel(key) } }
    })
  },
} satisfies Handlers<typeof operations, Context>

function refuseModule(id: string | undefined): void {
  if (id && id !== 'default') throw invalidParam('FunctionBlockId', 'must be default: nothing else is kept.')
}

/** What a driver of devices of this product is handed, too. */
function emptyModel(productKey: string): string {
  return JSON.stringify({ profile: { productKey }, properties: [], events: [], services: [] })
}
