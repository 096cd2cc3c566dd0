// The part of the device registry that a gateway needs: products, devices and their secrets. Names and types are those
// of the vendor's SDK; what this installation has no use for is refused by name in the handlers, never ignored.
import Type from 'typebox'
import { Code, edgeOperation, IotInstanceId } from './fields.ts'

const NodeType = Code([0, 1], '0 device, 1 gateway.')
const ProductKey = Type.String({ minLength: 1, description: 'Key of the product: 11 letters and digits.' })
const DeviceSecret = Type.String({ description: 'Secret that the device proves itself with: 32 hexadecimal digits.' })
const text = (description: string, maxLength = 256) => Type.Optional(Type.String({ maxLength, description }))
const unsupported = (what: string) => Type.Optional(Type.String({ description: `${what} Not supported: refused when set.` }))

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

export const RegisterDevice = edgeOperation({
  action: 'RegisterDevice',
  summary: 'Registers a device of a product and returns the secret it proves itself with.',
  access: 'create',
  input: Type.Object({
    ProductKey,
    DeviceName: Type.Optional(
      Type.String({ description: 'Name, unique in the product: 4 to 32 letters, digits, - _ @ . : — made up when left out.' }),
    ),
    Nickname: text('Another name for people.', 64),
    AppKey: unsupported('LoRaWAN application key.'),
    DevEui: unsupported('LoRaWAN device EUI.'),
    JoinEui: unsupported('LoRaWAN join EUI.'),
    LoraNodeType: unsupported('LoRaWAN node type.'),
    PinCode: unsupported('LoRaWAN PIN code.'),
    IotInstanceId,
  }),
  output: Type.Object({
    Data: Type.Object(
      {
        IotId: Type.String({ description: 'Id of the device.' }),
        ProductKey,
        DeviceName: Type.String({ description: 'Name of the device.' }),
        DeviceSecret,
        Nickname: text('Another name for people.'),
      },
      { description: 'The device.' },
    ),
  }),
  errors: ['iot.prod.NotExistedProduct', 'iot.device.AlreadyExistedDeviceName', 'iot.device.InvalidFormattedDeviceName'],
  secrets: ['AppKey', 'PinCode'],
  example: {
    input: { ProductKey: 'a1mAdeG0001', DeviceName: 'gateway_01' },
    output: {
      Data: {
        IotId: '4z819VQHk6VSLmmBJfrf0010000001',
        ProductKey: 'a1mAdeG0001',
        DeviceName: 'gateway_01',
        DeviceSecret: '0f9a4f2a0c1b4d6e8f00112233445566',
      },
    },
  },
})

const zoned = (what: string) => ({
  local: Type.Optional(Type.String({ description: `${what}, as yyyy-MM-dd HH:mm:ss in UTC+8.` })),
  utc: Type.Optional(Type.String({ description: `${what}, in UTC, as yyyy-MM-ddTHH:mm:ss.SSSZ.` })),
})
const [created, activated, seen] = [
  zoned('Time of registration'),
  zoned('Time of the first connection'),
  zoned('Time it was last heard of'),
]

export const QueryDeviceDetail = edgeOperation({
  action: 'QueryDeviceDetail',
  summary: 'Reads a device with its secret and whether it is connected.',
  access: 'get',
  input: Type.Object({
    IotId: Type.Optional(Type.String({ description: 'Id of the device. Goes before ProductKey and DeviceName.' })),
    ProductKey: Type.Optional(ProductKey),
    DeviceName: Type.Optional(Type.String({ description: 'Name of the device; needed without IotId.' })),
    IotInstanceId,
  }),
  output: Type.Object({
    Data: Type.Object(
      {
        IotId: Type.String({ description: 'Id of the device.' }),
        ProductKey,
        ProductName: Type.String({ description: 'Name of the product.' }),
        DeviceName: Type.String({ description: 'Name of the device.' }),
        DeviceSecret,
        Nickname: text('Another name for people.'),
        NodeType,
        Status: Type.String({ description: 'UNACTIVE: never connected. ONLINE or OFFLINE afterwards.' }),
        Owner: Type.Boolean({ description: 'True: the caller owns the device.' }),
        Region: Type.Optional(Type.String({ description: 'Region of the node that is this gateway.' })),
        IpAddress: Type.Optional(Type.String({ description: 'Address of the node that is this gateway.' })),
        FirmwareVersion: Type.Optional(Type.String({ description: 'Edge version of the node that is this gateway.' })),
        GmtCreate: created.local,
        UtcCreate: created.utc,
        GmtActive: activated.local,
        UtcActive: activated.utc,
        GmtOnline: seen.local,
        UtcOnline: seen.utc,
      },
      { description: 'The device.' },
    ),
  }),
  errors: ['iot.device.NotExistedDevice'],
  example: {
    input: { ProductKey: 'a1mAdeG0001', DeviceName: 'gateway_01' },
    output: {
      Data: {
        IotId: '4z819VQHk6VSLmmBJfrf0010000001',
        ProductKey: 'a1mAdeG0001',
        ProductName: 'edge_gateway',
        DeviceName: 'gateway_01',
        DeviceSecret: '0f9a4f2a0c1b4d6e8f00112233445566',
        NodeType: 1,
        Status: 'UNACTIVE',
        Owner: true,
        GmtCreate: '2026-11-22 14:00:00',
        UtcCreate: '2026-11-22T06:00:00.000Z',
      },
    },
  },
})
