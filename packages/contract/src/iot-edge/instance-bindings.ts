// What is made elsewhere and only bound to an edge instance: scene rules, applications and the role. Kept and part of
// every deployment; the gateway carries out nothing of them yet, and this installation has no register of any of them.
import Type from 'typebox'
import { Code, edgeOperation, InstanceId, IotInstanceId, pageOutput, paging, Timestamp } from './fields.ts'

const notYet = (what: string) =>
  `Kept and listed in deployments; the gateway carries out nothing of ${what} yet. There is no register to look the id up in.`

const RuleId = Type.String({ minLength: 1, description: 'Id of the scene rule.' })
const ApplicationId = Type.String({ minLength: 1, description: 'Id of the application.' })
const exampleInstance = { InstanceId: 'llL44UVXUqb9m5000001' } as const
const exampleRule = { RuleId: 'f041397879ad4d89822811d741000001' } as const
const exampleApplication = { ApplicationId: '361368ba5a094da9bf5625d092000001' } as const

export const BindSceneRuleToEdgeInstance = edgeOperation({
  action: 'BindSceneRuleToEdgeInstance',
  summary: 'Assigns a scene rule to an edge instance; doing it twice changes nothing. Up to 30 rules.',
  description: notYet('scene rules'),
  access: 'update',
  callsPerSecond: 20,
  input: Type.Object({ InstanceId, RuleId, IotInstanceId }),
  output: Type.Object({}),
  errors: ['iot.edge.InstanceNotExist', 'iot.rule.NotFoundRule', 'iot.common.ParameterSizeLimit'],
  example: { input: { ...exampleInstance, ...exampleRule }, output: {} },
})

export const QueryEdgeInstanceSceneRule = edgeOperation({
  action: 'QueryEdgeInstanceSceneRule',
  summary: 'Pages through the scene rules of an edge instance, newest assignment first.',
  access: 'list',
  callsPerSecond: 10,
  input: Type.Object({ InstanceId, ...paging, IotInstanceId }),
  output: Type.Object({
    Data: Type.Object(
      {
        RuleList: Type.Array(
          Type.Object({
            RuleId,
            RuleName: Type.Optional(Type.String({ description: 'Name of the rule; absent, since it is not known here.' })),
            IsExisted: Code([0, 1], '1 the rule exists, 0 it was deleted. Always 1: there is no register to ask.'),
            Status: Code([0, 1], '0 stopped, 1 started. Always 0: the gateway carries out no rules.'),
            GmtCreate: Timestamp('Time of assignment'),
          }),
          { xmlItem: 'Rule', description: 'The rules of this page.' },
        ),
        ...pageOutput,
      },
      { description: 'One page of scene rules.' },
    ),
  }),
  errors: ['iot.common.InvalidPageParams', 'iot.edge.InstanceNotExist'],
  example: {
    input: { ...exampleInstance, CurrentPage: 1, PageSize: 10 },
    output: {
      Data: {
        RuleList: [{ ...exampleRule, IsExisted: 1, Status: 0, GmtCreate: 1582004185000 }],
        CurrentPage: 1,
        PageSize: 10,
        Total: 1,
      },
    },
  },
})

export const UnbindSceneRuleFromEdgeInstance = edgeOperation({
  action: 'UnbindSceneRuleFromEdgeInstance',
  summary: 'Takes a scene rule out of an edge instance; where it is not in it, nothing happens.',
  access: 'update',
  callsPerSecond: 20,
  input: Type.Object({ InstanceId, RuleId, IotInstanceId }),
  output: Type.Object({}),
  errors: ['iot.edge.InstanceNotExist'],
  example: { input: { ...exampleInstance, ...exampleRule }, output: {} },
})

export const BindApplicationToEdgeInstance = edgeOperation({
  action: 'BindApplicationToEdgeInstance',
  summary: 'Assigns a version of an application to an edge instance, or switches to it. Up to 30 applications.',
  description: notYet('applications'),
  access: 'update',
  callsPerSecond: 5,
  input: Type.Object({
    InstanceId,
    ApplicationId,
    ApplicationVersion: Type.String({ minLength: 1, description: 'Version of the application, up to 64 characters.' }),
    IotInstanceId,
  }),
  output: Type.Object({}),
  errors: ['iot.edge.InstanceNotExist', 'iot.edge.ApplicationNotExist', 'iot.common.ParameterSizeLimit'],
  example: { input: { ...exampleInstance, ...exampleApplication, ApplicationVersion: '3.7' }, output: {} },
})

export const UnbindApplicationFromEdgeInstance = edgeOperation({
  action: 'UnbindApplicationFromEdgeInstance',
  summary: 'Takes an application out of an edge instance; where it is not in it, nothing happens.',
  access: 'update',
  callsPerSecond: 5,
  input: Type.Object({ InstanceId, ApplicationId, IotInstanceId }),
  output: Type.Object({}),
  errors: ['iot.edge.InstanceNotExist'],
  example: { input: { ...exampleInstance, ...exampleApplication }, output: {} },
})

export const BindRoleToEdgeInstance = edgeOperation({
  action: 'BindRoleToEdgeInstance',
  summary: 'Attaches a role to an edge instance, in place of the one it has.',
  description: notYet('roles'),
  access: 'update',
  callsPerSecond: 10,
  input: Type.Object({
    InstanceId,
    RoleArn: Type.String({ minLength: 1, description: 'Resource name of the role: acs:ram::<account id>:role/<name>.' }),
    RoleName: Type.String({ minLength: 1, maxLength: 64, description: 'Name of the role.' }),
    IotInstanceId,
  }),
  output: Type.Object({}),
  errors: ['iot.edge.InstanceNotExist', 'iot.ruleng.InvalidRamRole'],
  example: {
    input: { ...exampleInstance, RoleArn: 'acs:ram::1760000000000001:role/iotedgerole', RoleName: 'IoTEdgeRole' },
    output: {},
  },
})

export const UnbindRoleFromEdgeInstance = edgeOperation({
  action: 'UnbindRoleFromEdgeInstance',
  summary: 'Detaches the role of an edge instance; where it has none, nothing happens.',
  access: 'update',
  callsPerSecond: 10,
  input: Type.Object({ InstanceId, IotInstanceId }),
  output: Type.Object({}),
  errors: ['iot.edge.InstanceNotExist'],
  example: { input: exampleInstance, output: {} },
})
