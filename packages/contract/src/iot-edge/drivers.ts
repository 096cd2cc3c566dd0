// Drivers: what a driver is called, which protocol it speaks and how it is written. The code comes with its versions.
import Type from 'typebox'
import { Choice, Code, DriverId, edgeOperation, IdList, IotInstanceId, pageOutput, paging, Timestamp } from './fields.ts'

const DriverName = Type.String({
  pattern: '^[A-Za-z][A-Za-z0-9_]{0,19}$',
  description: 'Name of the driver, unique in the account: a letter, then letters, digits and underscores, 20 in all.',
})
const DriverProtocol = Choice(['modbus', 'opc-ua', 'customize'], 'Protocol spoken with the field devices.')
const Runtime = Choice(['nodejs8', 'python3', 'c', 'java8'], 'Language the driver is written in.')
const IsBuiltIn = Type.Boolean({ description: 'True: the code lies on the gateway already and is never uploaded.' })
const cpuArchDescription = 'CPU the code is built for: armv7, armv7-hf, aarch64, x86-64 or x86, in any case. Needed when Runtime is c.'
const DriverType = Code([0, 1], '0 official, 1 custom.')

const driverFields = {
  DriverId,
  DriverName: Type.String({ description: 'Name of the driver.' }),
  DriverProtocol,
  Runtime,
  CpuArch: Type.Optional(Type.String({ description: 'CPU the code is built for, in lower case.' })),
  IsBuiltIn,
  Type: DriverType,
  GmtCreateTimestamp: Timestamp('Time of creation'),
  GmtModifiedTimestamp: Timestamp('Time of the last change'),
}

const exampleDriver = {
  DriverId: 'fec565038d7544978d9aed5c1a000001',
  DriverName: 'MyLedDriver',
  DriverProtocol: 'customize',
  Runtime: 'c',
  CpuArch: 'x86-64',
  IsBuiltIn: false,
  Type: 1,
  GmtCreateTimestamp: 1581912859713,
  GmtModifiedTimestamp: 1581912859713,
} as const

export const CreateEdgeDriver = edgeOperation({
  action: 'CreateEdgeDriver',
  summary: 'Registers a driver and returns its id.',
  access: 'create',
  callsPerSecond: 10,
  input: Type.Object({
    DriverName,
    DriverProtocol,
    Runtime,
    CpuArch: Type.Optional(Type.String({ description: cpuArchDescription })),
    IsBuiltIn: Type.Optional(IsBuiltIn),
    IotInstanceId,
  }),
  output: Type.Object({ DriverId }),
  errors: ['iot.edge.DriverNameExist', 'iot.edge.DriverNumLimitation'],
  example: {
    input: { DriverName: 'MyLedDriver', DriverProtocol: 'customize', Runtime: 'c', CpuArch: 'x86-64', IsBuiltIn: false },
    output: { DriverId: 'fec565038d7544978d9aed5c1a000001' },
  },
})

export const QueryEdgeDriver = edgeOperation({
  action: 'QueryEdgeDriver',
  summary: 'Pages through the official or the custom drivers, newest first.',
  access: 'list',
  callsPerSecond: 5,
  input: Type.Object({
    Type: DriverType,
    DriverName: Type.Optional(Type.String({ description: 'Keeps drivers whose name contains this, in this case.' })),
    ...paging,
    IotInstanceId,
  }),
  output: Type.Object({
    Data: Type.Object(
      {
        DriverList: Type.Array(
          Type.Object({ ...driverFields, IsApply: Type.Boolean({ description: 'Needs an application before use. Always false.' }) }),
          { xmlItem: 'Driver', description: 'The drivers of this page.' },
        ),
        ...pageOutput,
      },
      { description: 'One page of drivers.' },
    ),
  }),
  errors: ['iot.common.InvalidPageParams'],
  example: {
    input: { Type: 1, CurrentPage: 1, PageSize: 15 },
    output: { Data: { DriverList: [{ ...exampleDriver, IsApply: false }], CurrentPage: 1, PageSize: 15, Total: 1 } },
  },
})

export const BatchGetEdgeDriver = edgeOperation({
  action: 'BatchGetEdgeDriver',
  summary: 'Reads several drivers by id; unknown ids are left out.',
  access: 'get',
  callsPerSecond: 5,
  input: Type.Object({
    DriverIds: IdList(30, 'driver'),
    IotInstanceId,
  }),
  output: Type.Object({
    DriverList: Type.Array(Type.Object(driverFields), {
      xmlItem: 'Driver',
      description: 'The drivers that exist, in the order asked for.',
    }),
  }),
  errors: ['iot.common.ParameterSizeLimit'],
  example: { input: { DriverIds: ['fec565038d7544978d9aed5c1a000001'] }, output: { DriverList: [exampleDriver] } },
})

export const DeleteEdgeDriver = edgeOperation({
  action: 'DeleteEdgeDriver',
  summary: 'Deletes a driver, with its unreleased versions, unless one of its versions is released.',
  access: 'delete',
  callsPerSecond: 5,
  input: Type.Object({ DriverId, IotInstanceId }),
  output: Type.Object({}),
  errors: ['iot.edge.DriverNotExist', 'iot.edge.DriverHasReleasedVersion'],
  example: { input: { DriverId: 'fec565038d7544978d9aed5c1a000001' }, output: {} },
})
