// Products of the registry: create, read, list, delete.
import * as operations from '@littoral/contract/iot-edge/products'
import type { Handlers } from '@littoral/contract/operation'
import { parseProductDescription, parseProductName, type Product } from '../../domain/device.ts'
import { newPage } from '../../domain/edge-page.ts'
import { invalidParam } from '../../domain/invalid-param.ts'
import { present } from '../../domain/present.ts'
import * as devices from '../../store/iot-edge/devices.ts'
import * as products from '../../store/iot-edge/products.ts'
import type { Context } from '../context.ts'
import { refuseSet } from './refuse-set.ts'
import { type ProductEntry, toProductDetail, toProductEntry, toProductView } from './registry-views.ts'

export const handlers = {
  async CreateProduct(input, { store, principal, ids, now }) {
    refuseSet(input, ['JoinPermissionId'])
    if (input.AuthType && input.AuthType !== 'secret') throw invalidParam('AuthType', 'must be secret: nothing else is supported.')
    if (input.Id2 === true) throw invalidParam('Id2', 'must be false: internet device ids are not supported.')
    const product: Product = {
      key: `a1${ids.letters(9)}`,
      accountId: principal.accountId,
      name: parseProductName(input.ProductName),
      nodeType: input.NodeType,
      createdAtMs: now(),
      details: toDetails(input),
    }
    await store.write(async (tx) => products.insert(tx, product))
    return { ProductKey: product.key, Data: toProductView(product) }
  },

  async QueryProduct({ ProductKey }, { store, principal }) {
    return store.read(async (tx) => {
      const product = await products.get(tx, principal.accountId, ProductKey)
      return { Data: toProductDetail(product, await devices.count(tx, product.key)) }
    })
  },

  async QueryProductList({ CurrentPage, PageSize, AliyunCommodityCode, ResourceGroupId }, { store, principal }) {
    const at = newPage(CurrentPage, PageSize, 200)
    const details = present({ aliyunCommodityCode: AliyunCommodityCode || undefined, resourceGroupId: ResourceGroupId || undefined })
    return store.read(async (tx) => {
      const { products: found, total } = await products.page(tx, { accountId: principal.accountId, details }, at)
      const ProductInfo: ProductEntry[] = []
      for (const product of found) ProductInfo.push(toProductEntry(product, await devices.count(tx, product.key)))
      const pages = { CurrentPage: at.currentPage, PageSize: at.pageSize, PageCount: Math.ceil(total / at.pageSize), Total: total }
      return { Data: { List: { ProductInfo }, ...pages } }
    })
  },

  async DeleteProduct({ ProductKey }, { store, principal }) {
    await store.write(async (tx) => {
      const { key } = await products.get(tx, principal.accountId, ProductKey)
      products.remove(tx, key)
    })
    return {}
  },
} satisfies Handlers<typeof operations, Context>

type ProductInput = Parameters<(typeof handlers)['CreateProduct']>[0]

function toDetails(input: ProductInput): Product['details'] {
  return {
    dataFormat: input.DataFormat ?? 1,
    ...present({
      aliyunCommodityCode: input.AliyunCommodityCode,
      categoryKey: input.CategoryKey,
      description: parseProductDescription(input.Description),
      netType: input.NetType,
      protocolType: input.ProtocolType,
      publishAuto: input.PublishAuto,
      resourceGroupId: input.ResourceGroupId,
      validateType: input.ValidateType,
    }),
  }
}
