// Devices of the device registry, as far as edge instances need them. Names and types are those of the vendor's SDK; what
// this installation has no use for is refused by name in the handlers, never ignored. Products are in products.ts.
import Type from 'typebox'
import { Code, edgeOperation, IotInstanceId, paging } from './fields.ts'
import { ProductKey, text, unsupported } from './product-fields.ts'

const NodeType = Code([0, 1], '0 device, 1 gateway.')
const DeviceSecret = Type.String({ description: 'Secret that the device proves itself with: 32 hexadecimal digits.' })

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

export const QueryDevice = edgeOperation({
  action: 'QueryDevice',
  summary: 'Pages through the devices of a product, newest first.',
  access: 'list',
  input: Type.Object({
    ProductKey,
    CurrentPage: Type.Optional(paging.CurrentPage),
    PageSize: Type.Optional({ ...paging.PageSize, description: 'Entries per page, 1 to 50. Default 10.' }),
    NextToken: unsupported('Paging by token.'),
    IotInstanceId,
  }),
  output: Type.Object({
    Data: Type.Object(
      {
        DeviceInfo: Type.Array(
          Type.Object({
            IotId: Type.String({ description: 'Id of the device.' }),
            DeviceId: Type.String({ description: 'The same id, under its old name.' }),
            ProductKey,
            DeviceName: Type.String({ description: 'Name of the device.' }),
            DeviceSecret,
            DeviceStatus: Type.String({ description: 'UNACTIVE: never connected. ONLINE or OFFLINE afterwards.' }),
            Nickname: text('Another name for people.'),
            GmtCreate: created.local,
            UtcCreate: created.utc,
          }),
          { description: 'The devices of this page.' },
        ),
      },
      { description: 'The list, in a wrapper.' },
    ),
    Page: Type.Integer({ description: 'Page number that was used.' }),
    PageSize: Type.Integer({ description: 'Page size that was used.' }),
    PageCount: Type.Integer({ description: 'Number of pages.' }),
    Total: Type.Integer({ description: 'Number of devices of the product.' }),
  }),
  errors: ['iot.common.InvalidPageParams', 'iot.prod.NotExistedProduct'],
  example: {
    input: { ProductKey: 'a1mAdeG0001', CurrentPage: 1, PageSize: 10 },
    output: {
      Data: {
        DeviceInfo: [
          {
            IotId: '4z819VQHk6VSLmmBJfrf0010000001',
            DeviceId: '4z819VQHk6VSLmmBJfrf0010000001',
            ProductKey: 'a1mAdeG0001',
            DeviceName: 'gateway_01',
            DeviceSecret: '0f9a4f2a0c1b4d6e8f00112233445566',
            DeviceStatus: 'UNACTIVE',
            GmtCreate: '2026-11-22 14:00:00',
            UtcCreate: '2026-11-22T06:00:00.000Z',
          },
        ],
      },
      Page: 1,
      PageSize: 10,
      PageCount: 1,
      Total: 1,
    },
  },
})

export const DeleteDevice = edgeOperation({
  action: 'DeleteDevice',
  summary: 'Deletes a device that is in no edge instance.',
  access: 'delete',
  input: Type.Object({
    IotId: Type.Optional(Type.String({ description: 'Id of the device. Goes before ProductKey and DeviceName.' })),
    ProductKey: Type.Optional(ProductKey),
    DeviceName: Type.Optional(Type.String({ description: 'Name of the device; needed without IotId.' })),
    IotInstanceId,
  }),
  output: Type.Object({}),
  errors: ['iot.device.NotExistedDevice', 'iot.edge.DeviceAlreadyBound'],
  example: { input: { ProductKey: 'a1mAdeG0001', DeviceName: 'gateway_01' }, output: {} },
})
