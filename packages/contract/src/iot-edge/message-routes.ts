// Message routes of an edge instance: who emits a message, who receives it. Kept, checked and part of every deployment;
// the gateway carries out nothing of them yet. Their list keeps a wrapper object in JSON (contract: iot-edge §2).
import Type from 'typebox'
import { Choice, Code, edgeOperation, InstanceId, IotInstanceId, LocalTime, pageOutput, paging, Timestamp } from './fields.ts'

const notYet = 'It becomes part of the next deployment; the gateway carries out nothing of message routes yet.'

const RouteId = Type.Integer({ description: 'Id of the route.' })
const SourceType = Choice(['device', 'function', 'IotHub'], 'Who emits the message: a device, an application or the cloud.')
const TargetType = Choice(['function', 'IotHub'], 'Who receives it: an application or the cloud. Never the kind of cloud it came from.')

const routeInput = {
  Name: Type.Optional(Type.String({ description: 'Name of 4 to 32 characters; Chinese characters and full-width signs count as 2.' })),
  SourceType,
  SourceData: Type.Optional(
    Type.String({
      maxLength: 256,
      description:
        'Of a device: /ProductKey/DeviceName, /ProductKey/+ or #. Of an application: its id. Left out where the cloud is the source.',
    }),
  ),
  TopicFilter: Type.Optional(Type.String({ maxLength: 256, description: 'A topic, or all for every message of the source. Default all.' })),
  TargetType,
  TargetData: Type.Optional(
    Type.String({ maxLength: 256, description: 'Id of the receiving application; left out where the cloud receives.' }),
  ),
  TargetIotHubQos: Type.Optional(Code([0, 1], 'Needed where the cloud receives: 0 at most once, 1 at least once.')),
  IotInstanceId,
}

const name = (description: string) => Type.Optional(Type.String({ description: `${description} Absent: not known here.` }))
const routeOutput = {
  Name: Type.Optional(Type.String({ description: 'Name of the route.' })),
  SourceType,
  SourceData: Type.String({ description: 'Device or application that emits; empty where it is the cloud.' }),
  TopicFilter: Type.String({ description: 'A topic, or all.' }),
  TargetType,
  TargetData: Type.String({ description: 'Application that receives; empty where it is the cloud.' }),
  RouteContext: Type.Object(
    {
      Qos: Type.Optional(Choice(['0', '1'], '0 at most once, 1 at least once.')),
      SourceApplicationName: name('Name of the emitting application.'),
      SourceFcServiceName: name('Service of the emitting function.'),
      SourceFcFunctionName: name('Name of the emitting function.'),
      TargetApplicationName: name('Name of the receiving application.'),
      TargetFcServiceName: name('Service of the receiving function.'),
      TargetFcFunctionName: name('Name of the receiving function.'),
    },
    { description: 'More about source and target.' },
  ),
  GmtCreate: LocalTime('Time of creation'),
  GmtCreateTimestamp: Timestamp('Time of creation'),
  GmtModified: LocalTime('Time of the last change'),
  GmtModifiedTimestamp: Timestamp('Time of the last change'),
}

const exampleInstance = { InstanceId: 'nF9oXo7kLRWQ00000001' } as const
const exampleRoute = { Name: 'le_lite2', SourceType: 'device', SourceData: '#', TargetType: 'IotHub', TopicFilter: 'all' } as const
const exampleAnswer = {
  ...exampleRoute,
  TargetData: '',
  RouteContext: { Qos: '0' },
  GmtCreate: '2020-05-25 19:54:59',
  GmtCreateTimestamp: 1590407699000,
  GmtModified: '2020-05-25 19:54:59',
  GmtModifiedTimestamp: 1590407699000,
} as const

export const CreateEdgeInstanceMessageRouting = edgeOperation({
  action: 'CreateEdgeInstanceMessageRouting',
  summary: 'Adds a message route to an edge instance.',
  description: notYet,
  access: 'create',
  callsPerSecond: 10,
  input: Type.Object({ InstanceId, ...routeInput }),
  output: Type.Object({ RouteId }),
  errors: ['iot.edge.InstanceNotExist', 'iot.edge.MessageRoutingNumLimitation'],
  example: { input: { ...exampleInstance, ...exampleRoute, TargetIotHubQos: 0 }, output: { RouteId: 123456 } },
})

export const GetEdgeInstanceMessageRouting = edgeOperation({
  action: 'GetEdgeInstanceMessageRouting',
  summary: 'Reads a message route.',
  access: 'get',
  callsPerSecond: 10,
  input: Type.Object({ InstanceId, RouteId, IotInstanceId }),
  output: Type.Object({ Data: Type.Object(routeOutput, { description: 'The route.' }) }),
  errors: ['iot.edge.InstanceNotExist', 'iot.edge.MessageRoutingNotExist'],
  example: { input: { ...exampleInstance, RouteId: 123456 }, output: { Data: exampleAnswer } },
})

export const QueryEdgeInstanceMessageRouting = edgeOperation({
  action: 'QueryEdgeInstanceMessageRouting',
  summary: 'Pages through the message routes of an edge instance, newest first.',
  access: 'list',
  callsPerSecond: 20,
  input: Type.Object({ InstanceId, ...paging, IotInstanceId }),
  output: Type.Object({
    Data: Type.Object(
      {
        MessageRouteList: Type.Object(
          { MessageRoute: Type.Array(Type.Object({ RouteId, ...routeOutput }), { description: 'The routes of this page.' }) },
          { description: 'The list, in a wrapper.' },
        ),
        ...pageOutput,
      },
      { description: 'One page of routes.' },
    ),
  }),
  errors: ['iot.common.InvalidPageParams', 'iot.edge.InstanceNotExist'],
  example: {
    input: { ...exampleInstance, CurrentPage: 1, PageSize: 15 },
    output: {
      Data: { MessageRouteList: { MessageRoute: [{ RouteId: 123456, ...exampleAnswer }] }, CurrentPage: 1, PageSize: 15, Total: 1 },
    },
  },
})

export const UpdateEdgeInstanceMessageRouting = edgeOperation({
  action: 'UpdateEdgeInstanceMessageRouting',
  summary: 'Replaces a message route as a whole: whatever is left out is erased.',
  description: notYet,
  access: 'update',
  callsPerSecond: 20,
  input: Type.Object({ InstanceId, RouteId, ...routeInput }),
  output: Type.Object({}),
  errors: ['iot.edge.InstanceNotExist', 'iot.edge.MessageRoutingNotExist'],
  example: { input: { ...exampleInstance, RouteId: 123456, ...exampleRoute, TargetIotHubQos: 1 }, output: {} },
})

export const DeleteEdgeInstanceMessageRouting = edgeOperation({
  action: 'DeleteEdgeInstanceMessageRouting',
  summary: 'Deletes a message route.',
  access: 'delete',
  callsPerSecond: 10,
  input: Type.Object({ InstanceId, RouteId, IotInstanceId }),
  output: Type.Object({}),
  errors: ['iot.edge.InstanceNotExist', 'iot.edge.MessageRoutingNotExist'],
  example: { input: { ...exampleInstance, RouteId: 123456 }, output: {} },
})
