// Drivers inside an edge instance: which version is assigned and how it is configured there.
import Type from 'typebox'
import { Config, Configs } from './config-blocks.ts'
import { DriverId, edgeOperation, IdList, InstanceId, IotInstanceId, LocalTime, pageOutput, paging } from './fields.ts'

export const BindDriverToEdgeInstance = edgeOperation({
  action: 'BindDriverToEdgeInstance',
  summary: 'Assigns a released driver version to an edge instance, or switches an assigned driver to another version.',
  access: 'update',
  callsPerSecond: 5,
  input: Type.Object({
    InstanceId,
    DriverId,
    DriverVersion: Type.Optional(Type.String({ maxLength: 64, description: 'Version number; the newest released one when left out.' })),
    OrderId: Type.Optional(Type.String({ maxLength: 128, description: 'Order of a bought driver. Kept, never checked.' })),
    IotInstanceId,
  }),
  output: Type.Object({}),
  errors: [
    'iot.edge.InstanceNotExist',
    'iot.edge.DriverNotExist',
    'iot.edge.DriverVersionNotExist',
    'iot.edge.DriverVersionNotReleased',
    'iot.edge.InstanceDriverLimitation',
    'iot.edge.InstanceHasSameNameDriver',
  ],
  example: {
    input: { InstanceId: 'F3APY0tPLhmgGtx00001', DriverId: 'fec565038d7544978d9aed5c1a000001', DriverVersion: '2.0.0' },
    output: {},
  },
})

export const SetEdgeInstanceDriverConfigs = edgeOperation({
  action: 'SetEdgeInstanceDriverConfigs',
  summary: 'Replaces the configuration of an assigned driver; it reaches the gateway with the next deployment.',
  access: 'update',
  callsPerSecond: 10,
  input: Type.Object({
    InstanceId,
    DriverId,
    Configs,
    IotInstanceId,
  }),
  output: Type.Object({}),
  errors: ['iot.common.ParameterSizeLimit', 'iot.edge.InstanceNotExist', 'iot.edge.InstanceDriverNotExist'],
  example: {
    input: {
      InstanceId: 'F3APY0tPLhmgGtx00001',
      DriverId: 'fec565038d7544978d9aed5c1a000001',
      Configs: [{ Format: 'JSON', Content: '{"test":123}', Key: 'key1' }],
    },
    output: {},
  },
})

export const QueryEdgeInstanceDriver = edgeOperation({
  action: 'QueryEdgeInstanceDriver',
  summary: 'Pages through the drivers assigned to an edge instance, newest assignment first.',
  access: 'list',
  callsPerSecond: 10,
  input: Type.Object({ InstanceId, ...paging, IotInstanceId }),
  output: Type.Object({
    Data: Type.Object(
      {
        DriverList: Type.Array(
          Type.Object({
            DriverId,
            DriverVersion: Type.String({ description: 'Version that is assigned.' }),
            OrderId: Type.Optional(Type.String({ description: 'Order of a bought driver, as it was sent.' })),
            GmtCreate: LocalTime('Time of assignment'),
            GmtModified: LocalTime('Time of the last change'),
          }),
          { xmlItem: 'Driver', description: 'The drivers of this page.' },
        ),
        ...pageOutput,
      },
      { description: 'One page of assigned drivers.' },
    ),
  }),
  errors: ['iot.common.InvalidPageParams', 'iot.edge.InstanceNotExist'],
  example: {
    input: { InstanceId: 'F3APY0tPLhmgGtx00001', CurrentPage: 1, PageSize: 30 },
    output: {
      Data: {
        DriverList: [
          {
            DriverId: '9c1ae7bd59f1469abbdccc9592280001',
            DriverVersion: '1.0.0',
            GmtCreate: '2019-06-26 17:22:25',
            GmtModified: '2019-06-26 17:22:25',
          },
        ],
        CurrentPage: 1,
        PageSize: 30,
        Total: 1,
      },
    },
  },
})

export const BatchGetEdgeInstanceDriverConfigs = edgeOperation({
  action: 'BatchGetEdgeInstanceDriverConfigs',
  summary: 'Reads the configuration that assigned drivers have in an edge instance; drivers that are not assigned are left out.',
  access: 'get',
  callsPerSecond: 10,
  input: Type.Object({ InstanceId, DriverIds: IdList(20, 'driver'), IotInstanceId }),
  output: Type.Object({
    DriverConfigList: Type.Array(
      Type.Object({
        DriverId,
        ConfigList: Type.Array(Config, { xmlItem: 'Config', description: 'Its blocks; empty when nothing is set in the instance.' }),
      }),
      { xmlItem: 'DriverConfig', description: 'The assigned drivers, in the order asked for.' },
    ),
  }),
  errors: ['iot.common.ParameterSizeLimit', 'iot.edge.InstanceNotExist'],
  example: {
    input: { InstanceId: 'F3APY0tPLhmgGtx00001', DriverIds: ['021d154d2a2f4dd7a489773d9e040001'] },
    output: {
      DriverConfigList: [
        {
          DriverId: '021d154d2a2f4dd7a489773d9e040001',
          ConfigList: [{ ConfigId: 'dac71722ceac4a299dbf3e8dc3c80001', Format: 'JSON', Content: '{"test":123}', Key: 'key1' }],
        },
      ],
    },
  },
})

export const ClearEdgeInstanceDriverConfigs = edgeOperation({
  action: 'ClearEdgeInstanceDriverConfigs',
  summary: "Erases the configuration of an assigned driver, so that its version's default applies again.",
  access: 'update',
  callsPerSecond: 10,
  input: Type.Object({ InstanceId, DriverId, IotInstanceId }),
  output: Type.Object({}),
  errors: ['iot.edge.InstanceNotExist', 'iot.edge.InstanceDriverNotExist'],
  example: { input: { InstanceId: 'F3APY0tPLhmgGtx00001', DriverId: '021d154d2a2f4dd7a489773d9e040001' }, output: {} },
})

export const UnbindDriverFromEdgeInstance = edgeOperation({
  action: 'UnbindDriverFromEdgeInstance',
  summary: 'Takes a driver out of an edge instance; the gateway goes on running it until the next deployment.',
  description:
    'Its configuration in the instance and its channels go with it. Its devices stay in the instance, keep their own configuration and ' +
    'have no driver until they are bound to another one.',
  access: 'update',
  callsPerSecond: 5,
  input: Type.Object({ InstanceId, DriverId, IotInstanceId }),
  output: Type.Object({}),
  errors: ['iot.edge.InstanceNotExist', 'iot.edge.InstanceDriverNotExist'],
  example: { input: { InstanceId: 'F3APY0tPLhmgGtx00001', DriverId: '9c1ae7bd59f1469abbdccc9592280001' }, output: {} },
})
