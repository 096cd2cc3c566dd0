// Driver versions: code, default configuration, container settings and the lowest edge version. A version has no id: it
// is addressed by driver and number, changes as a whole while unreleased, and not at all afterwards.
import Type from 'typebox'
import { Choice, Code, DriverId, edgeOperation, IotInstanceId, JsonText, pageOutput, paging, Timestamp, versionPattern } from './fields.ts'
import { ConfigCheckRule, ContainerConfig, DriverConfig, SourceConfig } from './version-json.ts'

const DriverVersion = Type.String({ minLength: 1, maxLength: 64, description: 'Version number.' })
const EdgeVersion = Type.String({
  pattern: '^[vV]?\\d{1,9}(\\.\\d{1,9}){0,3}$',
  description: 'Lowest edge version that may run this driver version, such as 2.4.0. Parts are compared as numbers.',
})
const Argument = Type.String({ maxLength: 4096, description: 'Options for the Java virtual machine; used with Runtime java8.' })

const content = {
  EdgeVersion,
  Argument: Type.Optional(Argument),
  Description: Type.Optional(Type.String({ description: 'Free text of up to 256 bytes.' })),
  SourceConfig: Type.Optional(JsonText(SourceConfig, 'Where the code lies. Needed before the release unless the driver is built in.')),
  DriverConfig: Type.Optional(
    JsonText(DriverConfig, 'Default configuration: one block or a list of blocks. A configuration set in an instance takes its place.'),
  ),
  ConfigCheckRule: Type.Optional(JsonText(ConfigCheckRule, 'Which configurations a deployment insists on.')),
  ContainerConfig: Type.Optional(JsonText(ContainerConfig, 'Settings of the container the driver runs in.')),
  IotInstanceId,
}

const answer = Type.Object(
  {
    DriverId,
    DriverVersion,
    EdgeVersion: Type.String({ description: 'Lowest edge version, as it was written.' }),
    VersionState: Choice(['0', '1'], '0 unreleased, 1 released.'),
    Argument: Type.Optional(Argument),
    Description: Type.Optional(Type.String({ description: 'Free text.' })),
    SourceConfig: Type.Optional(
      Type.String({ description: 'JSON with ossAddress and temporaryOssAddress, a link to the code that works for five minutes.' }),
    ),
    DriverConfig: Type.Optional(Type.String({ description: 'JSON list of the default configuration blocks.' })),
    ConfigCheckRule: Type.Optional(Type.String({ description: 'JSON, keys in alphabetical order.' })),
    ContainerConfig: Type.Optional(Type.String({ description: 'JSON, keys in alphabetical order.' })),
    GmtCreateTimestamp: Timestamp('Time of creation'),
    GmtModifiedTimestamp: Timestamp('Time of the last change'),
  },
  { description: 'A driver version.' },
)

const exampleContent = {
  EdgeVersion: '2.0.0',
  Argument: '-XX:+PrintGCDetails',
  Description: 'LED driver',
  DriverConfig: '[{"format":"JSON","content":"{\\"colour\\":\\"red\\"}"}]',
  ConfigCheckRule: '{"deviceConfig":{"required":false},"driverConfig":{"required":false}}',
  ContainerConfig: '{"privileged":0,"devMappings":[],"volumeMappings":[],"hostNetworkMode":1,"portMappings":[]}',
} as const
const exampleKey = { DriverId: 'fec565038d7544978d9aed5c1a000001', DriverVersion: '1.2.0' } as const
const exampleAnswer = {
  ...exampleKey,
  EdgeVersion: '2.0.0',
  VersionState: '0',
  Description: 'LED driver',
  DriverConfig: '[{"content":"{\\"colour\\":\\"red\\"}","format":"JSON"}]',
  GmtCreateTimestamp: 1581912859713,
  GmtModifiedTimestamp: 1581912859713,
} as const

export const CreateEdgeDriverVersion = edgeOperation({
  action: 'CreateEdgeDriverVersion',
  summary: 'Adds an unreleased version to a driver.',
  access: 'create',
  callsPerSecond: 10,
  input: Type.Object({
    DriverId,
    DriverVersion: Type.String({
      pattern: versionPattern,
      description: 'Version number, unique in the driver: up to 64 letters, digits, underscores, hyphens, periods or Chinese characters.',
    }),
    ...content,
  }),
  output: Type.Object({}),
  errors: ['iot.edge.DriverNotExist', 'iot.edge.DriverVersionExist', 'iot.edge.DriverVersionNumLimitation'],
  example: { input: { ...exampleKey, ...exampleContent }, output: {} },
})

export const UpdateEdgeDriverVersion = edgeOperation({
  action: 'UpdateEdgeDriverVersion',
  summary: 'Replaces an unreleased version as a whole: whatever is left out or empty is erased.',
  access: 'update',
  callsPerSecond: 10,
  input: Type.Object({ DriverId, DriverVersion, ...content }),
  output: Type.Object({}),
  errors: ['iot.edge.DriverNotExist', 'iot.edge.DriverVersionNotExist', 'iot.edge.DriverVersionReleased'],
  example: { input: { ...exampleKey, ...exampleContent }, output: {} },
})

export const GetEdgeDriverVersion = edgeOperation({
  action: 'GetEdgeDriverVersion',
  summary: 'Reads a driver version, with a link to its code that works for five minutes.',
  access: 'get',
  callsPerSecond: 10,
  input: Type.Object({ DriverId, DriverVersion, IotInstanceId }),
  output: Type.Object({ Data: answer }),
  errors: ['iot.edge.DriverNotExist', 'iot.edge.DriverVersionNotExist'],
  example: { input: exampleKey, output: { Data: exampleAnswer } },
})

export const QueryEdgeDriverVersion = edgeOperation({
  action: 'QueryEdgeDriverVersion',
  summary: 'Pages through the versions of a driver, newest first.',
  access: 'list',
  callsPerSecond: 10,
  input: Type.Object({
    DriverId,
    DriverVersion: Type.Optional(Type.String({ description: 'Keeps the version of exactly this number.' })),
    VersionState: Type.Optional(Code([0, 1], 'Keeps unreleased (0) or released (1) versions.')),
    ...paging,
    IotInstanceId,
  }),
  output: Type.Object({
    Data: Type.Object(
      { DriverVersionList: Type.Array(answer, { xmlItem: 'DriverVersion', description: 'The versions of this page.' }), ...pageOutput },
      { description: 'One page of versions.' },
    ),
  }),
  errors: ['iot.common.InvalidPageParams', 'iot.edge.DriverNotExist'],
  example: {
    input: { DriverId: exampleKey.DriverId, CurrentPage: 1, PageSize: 15 },
    output: { Data: { DriverVersionList: [exampleAnswer], CurrentPage: 1, PageSize: 15, Total: 1 } },
  },
})

export const DeleteEdgeDriverVersion = edgeOperation({
  action: 'DeleteEdgeDriverVersion',
  summary: 'Deletes an unreleased version.',
  access: 'delete',
  callsPerSecond: 10,
  input: Type.Object({ DriverId, DriverVersion, IotInstanceId }),
  output: Type.Object({}),
  errors: ['iot.edge.DriverNotExist', 'iot.edge.DriverVersionNotExist', 'iot.edge.DriverVersionReleased'],
  example: { input: exampleKey, output: {} },
})

export const ReleaseEdgeDriverVersion = edgeOperation({
  action: 'ReleaseEdgeDriverVersion',
  summary: 'Freezes a version for good, after checking that its code is there and can be started. Releasing it again changes nothing.',
  access: 'update',
  callsPerSecond: 10,
  input: Type.Object({ DriverId, DriverVersion, IotInstanceId }),
  output: Type.Object({}),
  errors: ['iot.edge.DriverNotExist', 'iot.edge.DriverVersionNotExist', 'iot.edge.DriverVersionNoSource'],
  example: { input: exampleKey, output: {} },
})
