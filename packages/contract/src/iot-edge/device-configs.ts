// What a driver is told of each of its devices: the device's own configuration, and the channel it is reached by.
import Type from 'typebox'
import { Choice, DriverId, edgeOperation, IdList, InstanceId, IotInstanceId } from './fields.ts'
import { configFormats } from './version-json.ts'

const IotId = Type.String({ description: 'Id of the device.' })
const ChannelId = Type.String({ minLength: 1, description: 'Id of the channel: 32 uppercase hexadecimal digits.' })
// The limit of a list has a code of its own, which must not colour what is in its entries.
const ownFault = { fault: 'iot.common.InvalidParam' } as const
const exampleInstance = { InstanceId: 'F3APY0tPLhmgGtx00001' } as const
const exampleDriver = { DriverId: '9c1ae7bd59f1469abbdccc9592000001' } as const
const exampleDevice = { IotId: 'BXPV9Ks3bxwM9fD00010000101' } as const
const exampleChannel = { ChannelId: 'BE0BD49EF5EF4D119D09CC1B25000001' } as const

export const BatchSetEdgeInstanceDeviceConfig = edgeOperation({
  action: 'BatchSetEdgeInstanceDeviceConfig',
  summary: 'Replaces the configuration of devices; all of them or none. It reaches the gateway with the next deployment.',
  description:
    'The driver is handed the JSON text as a string, under `custom`. An address of the object store stands for the JSON text in that ' +
    'file, as it is at the time of the call.',
  access: 'update',
  callsPerSecond: 5,
  input: Type.Object({
    InstanceId,
    DeviceConfigs: Type.Array(
      Type.Object({
        IotId: Type.String({ ...ownFault, minLength: 1, description: 'Id of the device.' }),
        Content: Type.String({ ...ownFault, minLength: 1, description: 'JSON of up to 1 KB, or the address of an uploaded file with it.' }),
      }),
      { minItems: 1, maxItems: 20, fault: 'iot.common.ParameterSizeLimit', description: 'Configurations of up to 20 devices.' },
    ),
    IotInstanceId,
  }),
  output: Type.Object({}),
  errors: ['iot.common.ParameterSizeLimit', 'iot.edge.InstanceNotExist', 'iot.edge.InstanceDeviceNotExist'],
  example: {
    input: { ...exampleInstance, DeviceConfigs: [{ ...exampleDevice, Content: '{"slaveId":1}' }] },
    output: {},
  },
})

export const BatchGetEdgeInstanceDeviceConfig = edgeOperation({
  action: 'BatchGetEdgeInstanceDeviceConfig',
  summary: 'Reads the configuration of devices; devices that are not in the instance are left out.',
  access: 'get',
  callsPerSecond: 5,
  input: Type.Object({ InstanceId, IotIds: IdList(20, 'device'), IotInstanceId }),
  output: Type.Object({
    DeviceConfigList: Type.Array(
      Type.Object({
        IotId,
        Config: Type.Optional(
          Type.Object(
            {
              Format: Choice(configFormats, 'JSON: the text itself. FILE: it came as the address of a file.'),
              Content: Type.String({ description: 'The text or the address, as it was set.' }),
            },
            { description: 'Absent for a device without configuration.' },
          ),
        ),
      }),
      { xmlItem: 'DeviceConfig', description: 'The devices that are in the instance, in the order asked for.' },
    ),
  }),
  errors: ['iot.common.ParameterSizeLimit', 'iot.edge.InstanceNotExist'],
  example: {
    input: { ...exampleInstance, IotIds: [exampleDevice.IotId] },
    output: { DeviceConfigList: [{ ...exampleDevice, Config: { Format: 'JSON', Content: '{"slaveId":1}' } }] },
  },
})

export const BatchClearEdgeInstanceDeviceConfig = edgeOperation({
  action: 'BatchClearEdgeInstanceDeviceConfig',
  summary: 'Erases the configuration of devices; devices that are not in the instance or have none are passed over.',
  access: 'update',
  callsPerSecond: 5,
  input: Type.Object({ InstanceId, IotIds: IdList(20, 'device'), IotInstanceId }),
  output: Type.Object({}),
  errors: ['iot.common.ParameterSizeLimit', 'iot.edge.InstanceNotExist'],
  example: { input: { ...exampleInstance, IotIds: [exampleDevice.IotId] }, output: {} },
})

export const BatchSetEdgeInstanceDeviceChannel = edgeOperation({
  action: 'BatchSetEdgeInstanceDeviceChannel',
  summary: 'Puts devices on one channel of their driver, in place of the one they are on; all of them or none.',
  access: 'update',
  callsPerSecond: 5,
  input: Type.Object({ InstanceId, DriverId, ChannelId, IotIds: IdList(20, 'device'), IotInstanceId }),
  output: Type.Object({}),
  errors: [
    'iot.common.ParameterSizeLimit',
    'iot.edge.InstanceNotExist',
    'iot.edge.InstanceDriverNotExist',
    'iot.edge.InstanceDeviceNotExist',
    'iot.edge.ChannelNotExist',
  ],
  example: { input: { ...exampleInstance, ...exampleDriver, ...exampleChannel, IotIds: [exampleDevice.IotId] }, output: {} },
})

export const BatchGetEdgeInstanceDeviceChannel = edgeOperation({
  action: 'BatchGetEdgeInstanceDeviceChannel',
  summary: 'Tells which channel each device is on; devices without one are left out.',
  access: 'get',
  callsPerSecond: 10,
  input: Type.Object({ InstanceId, DriverId, IotIds: IdList(20, 'device'), IotInstanceId }),
  output: Type.Object({
    DeviceChannelList: Type.Array(Type.Object({ IotId, ChannelId, ChannelName: Type.String({ description: 'Name of the channel.' }) }), {
      xmlItem: 'DeviceChannel',
      description: 'The devices that are on a channel, in the order asked for.',
    }),
  }),
  errors: ['iot.common.ParameterSizeLimit', 'iot.edge.InstanceNotExist', 'iot.edge.InstanceDriverNotExist'],
  example: {
    input: { ...exampleInstance, ...exampleDriver, IotIds: [exampleDevice.IotId] },
    output: { DeviceChannelList: [{ ...exampleDevice, ...exampleChannel, ChannelName: 'serial_1' }] },
  },
})
