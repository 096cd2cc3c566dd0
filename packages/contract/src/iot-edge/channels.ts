// Channels: the links of an assigned driver towards its field devices, such as a serial line or a TCP end point.
// Their lists keep a wrapper object in JSON as well, unlike those of drivers and devices (contract: iot-edge §2).
import Type from 'typebox'
import { Config, Configs } from './config-blocks.ts'
import { DriverId, edgeOperation, IdList, InstanceId, IotInstanceId, LocalTime, pageOutput, paging, Timestamp } from './fields.ts'

const ChannelId = Type.String({ minLength: 1, description: 'Id of the channel: 32 uppercase hexadecimal digits.' })
const ChannelName = Type.String({
  pattern: '^[A-Za-z0-9_\\u4e00-\\u9fa5]{1,30}$',
  description: 'Name, unique in the edge instance: letters, digits, underscores and Chinese characters (2 each), 30 in all.',
})
const channelFields = {
  ChannelId,
  ChannelName: Type.String({ description: 'Name of the channel.' }),
  ConfigList: Type.Object(
    { Config: Type.Array(Config, { description: 'The blocks of the configuration.' }) },
    { description: 'Configuration of the channel.' },
  ),
}

const exampleDriver = { InstanceId: '6GaTtvTj7vJhiS000001', DriverId: '9c1ae7bd59f1469abbdccc9592000001' } as const
const exampleConfig = { Format: 'JSON', Content: '{"protocol":"TCP","ip":"1.2.3.4","port":1}', Key: 'key1' } as const
const exampleChannel = {
  ChannelId: 'BE0BD49EF5EF4D119D09CC1B25000001',
  ChannelName: 'serial_1',
  ConfigList: { Config: [{ ConfigId: '5d6016035c1a451daf174b1051000001', ...exampleConfig }] },
}

export const CreateEdgeInstanceChannel = edgeOperation({
  action: 'CreateEdgeInstanceChannel',
  summary: 'Adds a channel to an assigned driver; the answer is its id, as bare text in Data.',
  access: 'create',
  callsPerSecond: 20,
  input: Type.Object({ InstanceId, DriverId, ChannelName, Configs, IotInstanceId }),
  output: Type.Object({ Data: Type.String({ description: 'Id of the channel.' }) }),
  errors: ['iot.common.ParameterSizeLimit', 'iot.edge.InstanceNotExist', 'iot.edge.InstanceDriverNotExist', 'iot.edge.ChannelNameExist'],
  example: {
    input: { ...exampleDriver, ChannelName: 'serial_1', Configs: [exampleConfig] },
    output: { Data: 'BE0BD49EF5EF4D119D09CC1B25000001' },
  },
})

export const UpdateEdgeInstanceChannel = edgeOperation({
  action: 'UpdateEdgeInstanceChannel',
  summary: 'Renames a channel and replaces its whole configuration.',
  access: 'update',
  callsPerSecond: 5,
  input: Type.Object({ InstanceId, DriverId, ChannelId, ChannelName, Configs, IotInstanceId }),
  output: Type.Object({}),
  errors: [
    'iot.common.ParameterSizeLimit',
    'iot.edge.InstanceNotExist',
    'iot.edge.InstanceDriverNotExist',
    'iot.edge.ChannelNotExist',
    'iot.edge.ChannelNameExist',
  ],
  example: {
    input: { ...exampleDriver, ChannelId: exampleChannel.ChannelId, ChannelName: 'serial_2', Configs: [exampleConfig] },
    output: {},
  },
})

export const BatchGetEdgeInstanceChannel = edgeOperation({
  action: 'BatchGetEdgeInstanceChannel',
  summary: 'Reads channels of an assigned driver by id; unknown ids are left out.',
  access: 'get',
  callsPerSecond: 5,
  input: Type.Object({ InstanceId, DriverId, ChannelIds: IdList(20, 'channel'), IotInstanceId }),
  output: Type.Object({
    Data: Type.Object(
      { Channel: Type.Array(Type.Object(channelFields), { description: 'The channels that exist, in the order asked for.' }) },
      { description: 'The list, in a wrapper.' },
    ),
  }),
  errors: ['iot.common.ParameterSizeLimit', 'iot.edge.InstanceNotExist', 'iot.edge.InstanceDriverNotExist'],
  example: {
    input: { ...exampleDriver, ChannelIds: [exampleChannel.ChannelId] },
    output: { Data: { Channel: [exampleChannel] } },
  },
})

export const QueryEdgeInstanceChannel = edgeOperation({
  action: 'QueryEdgeInstanceChannel',
  summary: 'Pages through the channels of an assigned driver, newest first.',
  access: 'list',
  callsPerSecond: 10,
  input: Type.Object({
    InstanceId,
    DriverId,
    ChannelName: Type.Optional(Type.String({ description: 'Keeps channels whose name contains this, in this case.' })),
    ...paging,
    IotInstanceId,
  }),
  output: Type.Object({
    Data: Type.Object(
      {
        ChannelList: Type.Object(
          {
            Channel: Type.Array(
              Type.Object({
                ...channelFields,
                GmtCreate: LocalTime('Time of creation'),
                GmtCreateTimestamp: Timestamp('Time of creation'),
                GmtModified: LocalTime('Time of the last change'),
                GmtModifiedTimestamp: Timestamp('Time of the last change'),
              }),
              { description: 'The channels of this page.' },
            ),
          },
          { description: 'The list, in a wrapper.' },
        ),
        ...pageOutput,
      },
      { description: 'One page of channels.' },
    ),
  }),
  errors: ['iot.common.InvalidPageParams', 'iot.edge.InstanceNotExist', 'iot.edge.InstanceDriverNotExist'],
  example: {
    input: { ...exampleDriver, CurrentPage: 1, PageSize: 15 },
    output: {
      Data: {
        ChannelList: {
          Channel: [
            {
              ...exampleChannel,
              GmtCreate: '2020-03-16 23:06:52',
              GmtCreateTimestamp: 1584371212000,
              GmtModified: '2020-03-16 23:06:52',
              GmtModifiedTimestamp: 1584371212000,
            },
          ],
        },
        CurrentPage: 1,
        PageSize: 15,
        Total: 1,
      },
    },
  },
})

export const BatchDeleteEdgeInstanceChannel = edgeOperation({
  action: 'BatchDeleteEdgeInstanceChannel',
  summary: 'Deletes channels of an assigned driver; their devices are on no channel then. Unknown ids are passed over.',
  access: 'delete',
  callsPerSecond: 5,
  input: Type.Object({ InstanceId, DriverId, ChannelIds: IdList(20, 'channel'), IotInstanceId }),
  output: Type.Object({}),
  errors: ['iot.common.ParameterSizeLimit', 'iot.edge.InstanceNotExist', 'iot.edge.InstanceDriverNotExist'],
  example: { input: { ...exampleDriver, ChannelIds: [exampleChannel.ChannelId] }, output: {} },
})
