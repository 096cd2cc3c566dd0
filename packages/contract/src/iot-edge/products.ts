// Products of the device registry: the classes that gateways and devices are registered under.
import Type from 'typebox'
import { Code, edgeOperation, IotInstanceId, pageOutput, paging, Timestamp } from './fields.ts'
import { ProductKey, text, unsupported } from './product-fields.ts'

const NodeType = Code([0, 1], '0 device, 1 gateway.')

const productFields = {
  ProductName: Type.String({
    description: 'Name, unique in the account: 4 to 30 letters, digits, Chinese characters (2 each), _ - @ ( ).',
  }),
  NodeType,
  DataFormat: Type.Optional(Code([0, 1], '0 data of its own format, 1 Alink JSON. Default 1.')),
  AliyunCommodityCode: text('iothub_senior: with a thing model, iothub: without. Kept as sent.'),
  AuthType: text('Way a device proves itself. Only secret is supported.'),
  Description: Type.Optional(Type.String({ description: 'Free text of up to 100 characters.' })),
  Id2: Type.Optional(Type.Boolean({ description: 'Internet device id. Only false is supported.' })),
  ProtocolType: text('Protocol between the device and its gateway. Kept as sent.'),
}

export const CreateProduct = edgeOperation({
  action: 'CreateProduct',
  summary: 'Creates a product, the class that devices are registered under.',
  access: 'create',
  callsPerSecond: 50,
  input: Type.Object({
    ...productFields,
    CategoryKey: text('Category of the thing model. Kept as sent.'),
    NetType: text('Way a device reaches the network. Kept as sent.'),
    PublishAuto: Type.Optional(Type.Boolean({ description: 'Publish the thing model at once. Kept as sent.' })),
    ResourceGroupId: text('Resource group. Kept as sent.'),
    ValidateType: Type.Optional(Type.Integer({ description: 'How strictly data is checked against the thing model. Kept as sent.' })),
    JoinPermissionId: unsupported('LoRaWAN join permission.'),
    IotInstanceId,
  }),
  output: Type.Object({
    ProductKey,
    Data: Type.Object({ ProductKey, ...productFields }, { description: 'The product.' }),
  }),
  errors: ['iot.prod.AlreadyExistedProductName', 'iot.prod.InvalidFormattedProductName', 'iot.prod.LongProductDesc'],
  example: {
    input: { ProductName: 'edge_gateway', NodeType: 1 },
    output: {
      ProductKey: 'a1mAdeG0001',
      Data: { ProductKey: 'a1mAdeG0001', ProductName: 'edge_gateway', NodeType: 1, DataFormat: 1, AuthType: 'secret', Id2: false },
    },
  },
})

const exampleProduct = { ProductKey: 'a1mAdeG0001', ProductName: 'edge_gateway', NodeType: 1, DataFormat: 1, AuthType: 'secret' } as const
const GmtCreate = Timestamp('Time of creation')
const DeviceCount = Type.Integer({ description: 'Number of devices of the product.' })

export const QueryProduct = edgeOperation({
  action: 'QueryProduct',
  summary: 'Reads a product with the number of its devices.',
  access: 'get',
  input: Type.Object({ ProductKey, IotInstanceId }),
  output: Type.Object({
    Data: Type.Object(
      {
        ProductKey,
        ...productFields,
        CategoryKey: text('Category of the thing model, as it was sent.'),
        ValidateType: Type.Optional(Type.Integer({ description: 'How strictly data is checked, as it was sent.' })),
        DeviceCount,
        Owner: Type.Boolean({ description: 'True: the caller owns the product.' }),
        GmtCreate,
      },
      { description: 'The product.' },
    ),
  }),
  errors: ['iot.prod.NotExistedProduct'],
  example: {
    input: { ProductKey: 'a1mAdeG0001' },
    output: { Data: { ...exampleProduct, Id2: false, DeviceCount: 1, Owner: true, GmtCreate: 1763794800000 } },
  },
})

export const QueryProductList = edgeOperation({
  action: 'QueryProductList',
  summary: 'Pages through the products of the account, newest first.',
  access: 'list',
  input: Type.Object({
    ...paging,
    AliyunCommodityCode: text('Keeps the products that were created with exactly this text.'),
    ResourceGroupId: text('Keeps the products that were created in this resource group.'),
    IotInstanceId,
  }),
  output: Type.Object({
    Data: Type.Object(
      {
        List: Type.Object(
          {
            ProductInfo: Type.Array(
              Type.Object({
                ProductKey,
                ProductName: productFields.ProductName,
                NodeType,
                DataFormat: productFields.DataFormat,
                AuthType: productFields.AuthType,
                Description: productFields.Description,
                DeviceCount,
                GmtCreate,
              }),
              { description: 'The products of this page.' },
            ),
          },
          { description: 'The list, in a wrapper.' },
        ),
        PageCount: Type.Integer({ description: 'Number of pages.' }),
        ...pageOutput,
      },
      { description: 'One page of products.' },
    ),
  }),
  errors: ['iot.common.InvalidPageParams'],
  example: {
    input: { CurrentPage: 1, PageSize: 10 },
    output: {
      Data: {
        List: { ProductInfo: [{ ...exampleProduct, DeviceCount: 1, GmtCreate: 1763794800000 }] },
        PageCount: 1,
        CurrentPage: 1,
        PageSize: 10,
        Total: 1,
      },
    },
  },
})

export const DeleteProduct = edgeOperation({
  action: 'DeleteProduct',
  summary: 'Deletes a product that has no devices.',
  access: 'delete',
  input: Type.Object({ ProductKey, IotInstanceId }),
  output: Type.Object({}),
  errors: ['iot.prod.NotExistedProduct', 'iot.prod.ProductHasDevice'],
  example: { input: { ProductKey: 'a1mAdeG0001' }, output: {} },
})
