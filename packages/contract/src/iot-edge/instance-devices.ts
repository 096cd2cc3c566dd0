// Devices behind the gateway of an edge instance: which are there, and which driver each of them uses.
import Type from 'typebox'
import { Code, DriverId, edgeOperation, IdList, InstanceId, IotInstanceId, pageOutput, paging } from './fields.ts'

const IotId = Type.String({ description: 'Id of the device.' })
const ofDriver = { ...DriverId, description: 'Driver that the device uses.' }
const exampleInstance = { InstanceId: 'F3APY0tPLhmgGtx00001' } as const
const exampleDriver = { DriverId: '021d154d2a2f4dd7a489773d9e040001' } as const
const exampleDevice = { IotId: 'BXPV9Ks3bxwM9fD00010000101' } as const

export const BatchBindDeviceToEdgeInstanceWithDriver = edgeOperation({
  action: 'BatchBindDeviceToEdgeInstanceWithDriver',
  summary: 'Puts devices into an edge instance and behind one of its drivers; all of them or none.',
  description: 'A device that is in this instance already moves to the driver and leaves its channel; one in another instance is refused.',
  access: 'update',
  callsPerSecond: 5,
  input: Type.Object({ InstanceId, DriverId, IotIds: IdList(20, 'device'), IotInstanceId }),
  output: Type.Object({}),
  errors: [
    'iot.common.ParameterSizeLimit',
    'iot.edge.InstanceNotExist',
    'iot.edge.InstanceDriverNotExist',
    'iot.edge.InstanceDeviceLimitation',
    'iot.device.NotExistedDevice',
    'iot.edge.DeviceAlreadyBound',
  ],
  example: { input: { ...exampleInstance, ...exampleDriver, IotIds: [exampleDevice.IotId] }, output: {} },
})

export const QueryEdgeInstanceDevice = edgeOperation({
  action: 'QueryEdgeInstanceDevice',
  summary: 'Pages through the devices of an edge instance, the last one bound first.',
  access: 'list',
  callsPerSecond: 10,
  input: Type.Object({ InstanceId, ...paging, IotInstanceId }),
  output: Type.Object({
    Data: Type.Object(
      {
        DeviceList: Type.Array(
          Type.Object({
            IotId,
            ProductKey: Type.String({ description: 'Product of the device.' }),
            DeviceName: Type.String({ description: 'Name of the device.' }),
            DriverId: Type.Optional({ ...ofDriver, description: 'Driver that the device uses; absent once that was taken out.' }),
          }),
          { xmlItem: 'Device', description: 'The devices of this page.' },
        ),
        ...pageOutput,
      },
      { description: 'One page of devices.' },
    ),
  }),
  errors: ['iot.common.InvalidPageParams', 'iot.edge.InstanceNotExist'],
  example: {
    input: { ...exampleInstance, CurrentPage: 1, PageSize: 15 },
    output: {
      Data: {
        DeviceList: [{ ...exampleDevice, ProductKey: 'a1p5QfE0001', DeviceName: 'sensor_1', ...exampleDriver }],
        CurrentPage: 1,
        PageSize: 15,
        Total: 1,
      },
    },
  },
})

export const QueryEdgeInstanceDeviceByDriver = edgeOperation({
  action: 'QueryEdgeInstanceDeviceByDriver',
  summary: 'Pages through the ids of the devices that use one driver, or one channel of it.',
  access: 'list',
  callsPerSecond: 10,
  input: Type.Object({
    InstanceId,
    DriverId,
    ChannelId: Type.Optional(Type.String({ description: 'Keeps only the devices on this channel.' })),
    ...paging,
    IotInstanceId,
  }),
  output: Type.Object({
    Data: Type.Object(
      {
        DeviceList: Type.Array(Type.Object({ IotId }), { xmlItem: 'Device', description: 'The devices of this page.' }),
        ...pageOutput,
      },
      { description: 'One page of devices.' },
    ),
  }),
  errors: ['iot.common.InvalidPageParams', 'iot.edge.InstanceNotExist', 'iot.edge.InstanceDriverNotExist'],
  example: {
    input: { ...exampleInstance, ...exampleDriver, CurrentPage: 1, PageSize: 15 },
    output: { Data: { DeviceList: [exampleDevice], CurrentPage: 1, PageSize: 15, Total: 1 } },
  },
})

export const BatchGetEdgeInstanceDeviceDriver = edgeOperation({
  action: 'BatchGetEdgeInstanceDeviceDriver',
  summary: 'Tells which driver each device uses; devices that are not in the instance are left out.',
  access: 'get',
  callsPerSecond: 10,
  input: Type.Object({ InstanceId, IotIds: IdList(20, 'device'), IotInstanceId }),
  output: Type.Object({
    DeviceDriverList: Type.Array(
      Type.Object({ IotId, DriverId: Type.Optional({ ...ofDriver, description: 'Driver that the device uses, if it has one.' }) }),
      { xmlItem: 'DeviceDriver', description: 'The devices that are in the instance, in the order asked for.' },
    ),
  }),
  errors: ['iot.common.ParameterSizeLimit', 'iot.edge.InstanceNotExist'],
  example: {
    input: { ...exampleInstance, IotIds: [exampleDevice.IotId] },
    output: { DeviceDriverList: [{ ...exampleDevice, ...exampleDriver }] },
  },
})

export const BatchUnbindDeviceFromEdgeInstance = edgeOperation({
  action: 'BatchUnbindDeviceFromEdgeInstance',
  summary: 'Takes devices out of an edge instance, with their configuration there; devices that are not in it are passed over.',
  access: 'update',
  callsPerSecond: 5,
  input: Type.Object({ InstanceId, IotIds: IdList(20, 'device'), IotInstanceId }),
  output: Type.Object({}),
  errors: ['iot.common.ParameterSizeLimit', 'iot.edge.InstanceNotExist'],
  example: { input: { ...exampleInstance, IotIds: [exampleDevice.IotId] }, output: {} },
})

export const BatchGetDeviceBindStatus = edgeOperation({
  action: 'BatchGetDeviceBindStatus',
  summary: 'Tells whether devices are in an edge instance, as its gateway or behind it; unknown devices are left out.',
  access: 'get',
  callsPerSecond: 5,
  input: Type.Object({ IotIds: IdList(20, 'device'), IotInstanceId }),
  output: Type.Object({
    Data: Type.Array(
      Type.Object({
        IotId,
        BindStatus: Code([0, 1], '0 in no edge instance, 1 in one.'),
        InstanceId: Type.Optional({ ...InstanceId, description: 'The edge instance it is in.' }),
      }),
      { xmlItem: 'DeviceStatus', description: 'The devices that exist, in the order asked for.' },
    ),
  }),
  errors: ['iot.common.ParameterSizeLimit'],
  example: {
    input: { IotIds: [exampleDevice.IotId] },
    output: { Data: [{ ...exampleDevice, BindStatus: 1, ...exampleInstance }] },
  },
})
