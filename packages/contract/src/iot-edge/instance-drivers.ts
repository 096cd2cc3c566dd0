// Drivers inside an edge instance: which version is assigned and how it is configured there.
import Type from 'typebox'
import { Choice, DriverId, edgeOperation, InstanceId, IotInstanceId } from './fields.ts'
import { configFormats } from './version-json.ts'

// The limit of a list has a code of its own, which must not colour what is in its entries.
const ownFault = { fault: 'iot.common.InvalidParam' } as const

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
    Configs: Type.Array(
      Type.Object({
        Format: { ...Choice(configFormats, 'KV: pairs. JSON: JSON text. FILE: address of a configuration file.'), ...ownFault },
        Content: Type.String({ ...ownFault, description: 'Up to 100 pairs, JSON of up to 1 KB, or the address of a file of up to 1 MB.' }),
        Key: Type.Optional(Type.String({ ...ownFault, maxLength: 256, description: 'Tells blocks apart; unique in the call.' })),
      }),
      { minItems: 1, maxItems: 20, fault: 'iot.common.ParameterSizeLimit', description: 'The blocks that make up the configuration.' },
    ),
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
