// Edge instances: the holder of one gateway, its drivers and their configuration.
import Type from 'typebox'
import { Choice, Code, edgeOperation, InstanceId, IotInstanceId, LocalTime, pageOutput, paging, Timestamp } from './fields.ts'

const Spec = Code([10, 20, 30], '10 lite (no drivers), 20 standard (drivers as processes), 30 professional (drivers in containers).')
const nameDescription = 'Name, unique in the account: letters, digits, underscores, hyphens and Chinese characters (2 each), 20 in all.'

const instanceFields = {
  InstanceId,
  Name: Type.String({ description: 'Name of the edge instance.' }),
  Spec,
  Tags: Type.Optional(Type.String({ description: 'Tags, as key:value pairs joined by commas.' })),
  BizEnable: Type.Boolean({ description: 'False: no new deployments are accepted.' }),
  RoleArn: Type.Optional(Type.String({ description: 'ARN of the role attached to the instance.' })),
  RoleName: Type.Optional(Type.String({ description: 'Name of the role attached to the instance.' })),
  RoleAttachTime: Type.Optional(LocalTime('Time the role was attached')),
  RoleAttachTimestamp: Type.Optional(Timestamp('Time the role was attached')),
  LatestDeploymentStatus: Type.Optional(Code([0, 1, 2, 3], 'Newest deployment: 0 created, 1 under way, 2 succeeded, 3 failed.')),
  LatestDeploymentType: Type.Optional(Choice(['deploy', 'reset'], 'Type of the newest deployment.')),
  GmtCreate: LocalTime('Time of creation'),
  GmtCreateTimestamp: Timestamp('Time of creation'),
  GmtModified: LocalTime('Time of the last change'),
  GmtModifiedTimestamp: Timestamp('Time of the last change'),
}

const exampleInstance = {
  InstanceId: 'F3APY0tPLhmgGtx00001',
  Name: 'LinkIoTEdge_Node',
  Spec: 20,
  Tags: 'k1:v1,k2:v2',
  BizEnable: true,
  LatestDeploymentStatus: 2,
  LatestDeploymentType: 'deploy',
  GmtCreate: '2019-06-26 12:33:25',
  GmtCreateTimestamp: 1561523605000,
  GmtModified: '2019-06-26 12:33:25',
  GmtModifiedTimestamp: 1561523605000,
} as const

const Name = Type.String({ pattern: '^[A-Za-z0-9_\\-\\u4e00-\\u9fa5]{1,20}$', description: nameDescription })
const Tags = (more: string) =>
  Type.Optional(
    Type.String({
      maxLength: 4096,
      description: `key:value pairs joined by commas. A key is up to 20 letters and digits, a value up to 20 characters.${more}`,
    }),
  )

export const CreateEdgeInstance = edgeOperation({
  action: 'CreateEdgeInstance',
  summary: 'Creates an edge instance and returns its id.',
  access: 'create',
  callsPerSecond: 10,
  input: Type.Object({
    Name,
    Spec: Type.Optional(Spec),
    Tags: Tags(''),
    IotInstanceId,
  }),
  output: Type.Object({ InstanceId }),
  errors: ['iot.edge.InstanceNameExist', 'iot.edge.InstanceNumLimitation'],
  example: { input: { Name: 'LinkIoTEdge_Node', Spec: 20, Tags: 'k1:v1,k2:v2' }, output: { InstanceId: 'F3APY0tPLhmgGtx00001' } },
})

export const GetEdgeInstance = edgeOperation({
  action: 'GetEdgeInstance',
  summary: 'Reads an edge instance with the state of its newest deployment.',
  access: 'get',
  callsPerSecond: 10,
  input: Type.Object({ InstanceId, IotInstanceId }),
  output: Type.Object({
    Data: Type.Object(
      // A string here and a number in QueryEdgeInstance: so the vendor's SDK models it.
      { ...instanceFields, Type: Type.String({ description: '0 own instance, 1 shared by another account.' }) },
      { description: 'The edge instance.' },
    ),
  }),
  errors: ['iot.edge.InstanceNotExist'],
  example: { input: { InstanceId: 'F3APY0tPLhmgGtx00001' }, output: { Data: { ...exampleInstance, Type: '0' } } },
})

export const QueryEdgeInstance = edgeOperation({
  action: 'QueryEdgeInstance',
  summary: 'Pages through the edge instances of the account, newest first.',
  access: 'list',
  callsPerSecond: 10,
  input: Type.Object({
    Name: Type.Optional(Type.String({ description: 'Keeps instances whose name contains this, in this case.' })),
    ...paging,
    IotInstanceId,
  }),
  output: Type.Object({
    Data: Type.Object(
      {
        InstanceList: Type.Array(
          Type.Object({ ...instanceFields, Type: Type.Integer({ description: '0 own instance, 1 shared by another account.' }) }),
          {
            xmlItem: 'Instance',
            description: 'The instances of this page.',
          },
        ),
        ...pageOutput,
      },
      { description: 'One page of edge instances.' },
    ),
  }),
  errors: ['iot.common.InvalidPageParams'],
  example: {
    input: { CurrentPage: 1, PageSize: 15 },
    output: { Data: { InstanceList: [{ ...exampleInstance, Type: 0 }], CurrentPage: 1, PageSize: 15, Total: 1 } },
  },
})

export const UpdateEdgeInstance = edgeOperation({
  action: 'UpdateEdgeInstance',
  summary: 'Changes the name, the tags, the tier or the switch of an edge instance; what is left out stays as it is.',
  access: 'update',
  callsPerSecond: 5,
  input: Type.Object({
    InstanceId,
    Name,
    Spec: Type.Optional(Spec),
    Tags: Tags(' An empty text takes all tags away.'),
    BizEnable: Type.Optional(Type.Boolean({ description: 'False: no new deploy jobs are accepted; reset jobs and everything else are.' })),
    IotInstanceId,
  }),
  output: Type.Object({}),
  errors: ['iot.edge.InstanceNotExist', 'iot.edge.InstanceNameExist'],
  example: { input: { InstanceId: 'F3APY0tPLhmgGtx00001', Name: 'LinkIoTEdge_Node', Spec: 30 }, output: {} },
})

export const DeleteEdgeInstance = edgeOperation({
  action: 'DeleteEdgeInstance',
  summary: 'Deletes an edge instance without drivers and devices; its gateway becomes free.',
  description:
    'Message routes, the bindings of scene rules, applications and the role, and all deployments go with it. An instance whose newest ' +
    'deployment is unfinished, or a deploy that succeeded, counts as running and has to be reset first.',
  access: 'delete',
  callsPerSecond: 5,
  input: Type.Object({ InstanceId, IotInstanceId }),
  output: Type.Object({}),
  errors: ['iot.edge.InstanceNotExist', 'iot.edge.InstanceHasDevice', 'iot.edge.InstanceHasDriver', 'iot.edge.InstanceIsRunning'],
  example: { input: { InstanceId: 'F3APY0tPLhmgGtx00001' }, output: {} },
})
