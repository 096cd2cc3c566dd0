// Deployments: jobs that bring the content of an edge instance to its gateway, or take it off again.
import Type from 'typebox'
import { Choice, Code, edgeOperation, InstanceId, IotInstanceId, LocalTime, pageOutput, paging, Timestamp } from './fields.ts'

const JobType = Choice(['deploy', 'reset'], 'deploy: bring the instance to its gateway. reset: take everything off the gateway.')
const Status = Code([0, 1, 2, 3], '0 created, 1 under way, 2 succeeded, 3 failed.')
const Stage = Code([0, 8, 16, 24, 32], '0 created, 8 assembled, 16 packaged, 24 being dispatched, 32 finished.')
const DeploymentId = Type.String({ minLength: 1, description: 'Id of the deployment: 32 lowercase hexadecimal digits.' })

const times = {
  GmtCreate: LocalTime('Time of creation'),
  GmtCreateTimestamp: Timestamp('Time of creation'),
  GmtModified: LocalTime('Time of the last change'),
  GmtModifiedTimestamp: Timestamp('Time of the last change'),
  GmtCompleted: Type.Optional(LocalTime('Time of the end; absent before')),
  GmtCompletedTimestamp: Type.Optional(Timestamp('Time of the end; absent before')),
}

const ResourceSnapshot = Type.Object({
  SnapshotId: Type.String({ description: 'Id of the snapshot.' }),
  ResourceType: Type.String({ description: 'driver, driver_config, device_config, application, message_route, scene_rule or role.' }),
  ResourceId: Type.String({ description: 'Id of the resource.' }),
  ResourceName: Type.String({ description: 'Name of the resource.' }),
  OperateType: Code([0, 1], '0 put on the gateway, 1 taken off it.'),
  Status,
  Stage,
  Log: Type.String({ description: 'JSON list of what happened: {resourceId, code, stage, level, message, resourceType, timestamp}.' }),
  ...times,
})

const Task = Type.Object({
  TaskId: Type.String({ description: 'Id of the task.' }),
  GatewayId: Type.String({ description: 'IotId of the gateway.' }),
  Status,
  Stage,
  ResourceSnapshotList: Type.Array(ResourceSnapshot, { xmlItem: 'ResourceSnapshot', description: 'One entry per resource.' }),
  ...times,
})

const exampleTimes = {
  GmtCreate: '2019-06-26 18:12:29',
  GmtCreateTimestamp: 1561543949000,
  GmtModified: '2019-06-26 18:12:35',
  GmtModifiedTimestamp: 1561543955000,
  GmtCompleted: '2019-06-26 18:12:35',
  GmtCompletedTimestamp: 1561543955000,
} as const

export const CreateEdgeInstanceDeployment = edgeOperation({
  action: 'CreateEdgeInstanceDeployment',
  summary: 'Starts a deployment of what the instance holds now; success means that the job is stored.',
  description:
    'The job works on a snapshot: changes made after the call wait for the next job. A gateway that is off line gets it when it ' +
    'returns. Drivers, their configuration, channels and devices are carried out by the gateway. Message routes, scene rules, ' +
    'applications and the role are part of the job and listed in it, but the gateway carries out nothing of them yet.',
  access: 'create',
  callsPerSecond: 5,
  input: Type.Object({ InstanceId, Type: JobType, IotInstanceId }),
  output: Type.Object({ DeploymentId }),
  errors: [
    'iot.edge.InstanceNotExist',
    'iot.edge.InstanceHasNoGateway',
    'iot.edge.InstanceIsRunning',
    'iot.edge.DriverConfigRequired',
    'iot.edge.DeviceConfigRequired',
    'iot.edge.EdgeVersionUnsupported',
    'iot.edge.InstanceDisabled',
    'iot.common.ParameterSizeLimit',
  ],
  example: {
    input: { InstanceId: 'PgEfYupSn6Pvhfkx0001', Type: 'deploy' },
    output: { DeploymentId: '38d544b1222d45b4b425240167bf0001' },
  },
})

export const GetEdgeInstanceDeployment = edgeOperation({
  action: 'GetEdgeInstanceDeployment',
  summary: 'Reads a deployment with its task and what became of each resource.',
  access: 'get',
  callsPerSecond: 5,
  aliases: { DeployId: 'DeploymentId', deployId: 'DeploymentId' },
  input: Type.Object({ InstanceId, DeploymentId, IotInstanceId }),
  output: Type.Object({
    Data: Type.Object(
      {
        DeploymentId,
        Type: JobType,
        Status,
        Description: Type.String({ description: 'Type and time of creation, joined by an underscore.' }),
        TaskList: Type.Array(Task, { xmlItem: 'Task', description: 'One task per gateway, so one.' }),
        ...times,
      },
      { description: 'The deployment.' },
    ),
  }),
  errors: ['iot.edge.InstanceNotExist', 'iot.edge.DeploymentNotExist'],
  example: {
    input: { InstanceId: 'PgEfYupSn6Pvhfkx0001', DeploymentId: '9261e308a9504fde9b4cf8462b0b0001' },
    output: {
      Data: {
        DeploymentId: '9261e308a9504fde9b4cf8462b0b0001',
        Type: 'deploy',
        Status: 2,
        Description: 'deploy_1561543948874',
        TaskList: [
          {
            TaskId: '49ea651529014bf8b5645d5f90620001',
            GatewayId: 'jQWf3MVgQjMzcwsY0001000101',
            Status: 2,
            Stage: 32,
            ResourceSnapshotList: [
              {
                SnapshotId: 'ab576e84a43043d7840cbcebf4a50001',
                ResourceType: 'driver',
                ResourceId: 'fec565038d7544978d9aed5c1a000001',
                ResourceName: 'MyLedDriver',
                OperateType: 0,
                Status: 2,
                Stage: 32,
                Log: '[{"resourceId":"fec565038d7544978d9aed5c1a000001","code":"0","stage":0,"level":"INFO","message":"init success","resourceType":"DRIVER","timestamp":1561543949858}]',
                ...exampleTimes,
              },
            ],
            ...exampleTimes,
          },
        ],
        ...exampleTimes,
      },
    },
  },
})

export const QueryEdgeInstanceHistoricDeployment = edgeOperation({
  action: 'QueryEdgeInstanceHistoricDeployment',
  summary: 'Pages through the deployments of an edge instance, newest first.',
  access: 'list',
  callsPerSecond: 10,
  input: Type.Object({
    InstanceId,
    StartTime: Type.Optional(Timestamp('Keeps deployments created at this time or later')),
    EndTime: Type.Optional(Timestamp('Keeps deployments created at this time or earlier')),
    ...paging,
    IotInstanceId,
  }),
  output: Type.Object({
    Data: Type.Object(
      {
        DeploymentList: Type.Array(
          Type.Object({
            DeploymentId,
            Type: JobType,
            Status,
            Description: Type.String({ description: 'Type and time of creation, joined by an underscore.' }),
            ...times,
          }),
          { xmlItem: 'Deployment', description: 'The deployments of this page.' },
        ),
        ...pageOutput,
      },
      { description: 'One page of deployments.' },
    ),
  }),
  errors: ['iot.common.InvalidPageParams', 'iot.edge.InstanceNotExist'],
  example: {
    input: { InstanceId: 'PgEfYupSn6Pvhfkx0001', CurrentPage: 1, PageSize: 15 },
    output: {
      Data: {
        DeploymentList: [
          {
            DeploymentId: 'e4803e566b424fa68e7f4b1c747c0001',
            Type: 'deploy',
            Status: 2,
            Description: 'deploy_1561543948874',
            ...exampleTimes,
          },
        ],
        CurrentPage: 1,
        PageSize: 15,
        Total: 1,
      },
    },
  },
})

export const CloseEdgeInstanceDeployment = edgeOperation({
  action: 'CloseEdgeInstanceDeployment',
  summary: 'Ends the unfinished deployment of an edge instance as failed; where there is none, nothing happens.',
  description: 'What the gateway was told already stays with it until the next deployment.',
  access: 'update',
  callsPerSecond: 5,
  input: Type.Object({ InstanceId, IotInstanceId }),
  output: Type.Object({}),
  errors: ['iot.edge.InstanceNotExist'],
  example: { input: { InstanceId: 'PgEfYupSn6Pvhfkx0001' }, output: {} },
})
