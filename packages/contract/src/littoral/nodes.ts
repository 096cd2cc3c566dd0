// Operations on nodes: join tokens, who is there, and what each runs compared with what it should run.
import Type from 'typebox'
import { operation } from '../operation.ts'
import { Phase } from '../node/report.ts'

const Time = (description: string) => Type.String({ maxLength: 32, description: `${description}; ISO 8601, UTC.` })
const Environment = (description: string) => Type.Union([Type.Literal('prod'), Type.Literal('staging')], { description })
const Generation = (description: string) => Type.Integer({ minimum: 0, description })

const NodeId = Type.String({ minLength: 1, maxLength: 64, description: 'The node, as ListNodes names it.' })

export const CreateNodeToken = operation({
  action: 'CreateNodeToken',
  summary: 'Makes a join token with which a machine becomes a node.',
  description:
    'The token is shown once; only its hash is kept. A node that joined keeps a secret of its own and never needs the token again.',
  access: 'create',
  input: Type.Object({
    Region: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description: 'The region of nodes that join with it. Left out: what each node says of itself.',
      }),
    ),
    Environment: Type.Optional(Environment('The only environment of nodes that join with it. Left out: what each node says of itself.')),
    MaxUses: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10_000, default: 1, description: 'How many nodes may join with it. Default: 1.' }),
    ),
    ExpiresInSeconds: Type.Optional(
      Type.Integer({ minimum: 60, maximum: 31_536_000, default: 3600, description: 'How long it can be used. Default: 3600, an hour.' }),
    ),
  }),
  output: Type.Object({
    TokenId: Type.String({ description: 'Names the token without giving it away.' }),
    Token: Type.String({ description: 'The token itself. It is not shown again.' }),
    ExpiresAt: Time('When it stops working'),
    MaxUses: Type.Integer({ description: 'How many nodes may join with it.' }),
  }),
  errors: ['Node.RegionUnknown', 'Node.InvalidParameter'],
  secrets: ['Token'],
  example: {
    input: { MaxUses: 3, ExpiresInSeconds: 7200 },
    output: {
      TokenId: 'token-5f3a9c0b7e21',
      Token: 'ljt_7QmZ2vXcR0sKpTtB4eWn9yHdLg6uJfA1iOxC8PzS',
      ExpiresAt: '2026-12-01T10:00:00Z',
      MaxUses: 3,
    },
  },
})

const nodeFields = {
  NodeId: Type.String({ description: 'The node.' }),
  Name: Type.String({ description: 'What the node calls itself, usually its host name.' }),
  Region: Type.String({ description: 'Where it stands.' }),
  Environments: Type.Array(Environment('An environment whose apps it runs.'), { description: 'The environments whose apps it runs.' }),
  IsOnline: Type.Boolean({ description: 'Whether it was heard of within the last three heartbeats.' }),
  LastSeenAt: Type.Optional(Time('When it was last heard of')),
  CreatedAt: Time('When it joined'),
  GatewayIotId: Type.Optional(Type.String({ description: 'The gateway device it is, when it connected with the identity of one.' })),
  DesiredGeneration: Generation('The number of the newest desired state.'),
  AcceptedGeneration: Generation('The number of the desired state the node has accepted.'),
  AgentVersion: Type.String({ description: 'Version of the agent.' }),
  EdgeVersion: Type.String({ description: 'Version that driver versions are compared with.' }),
  Os: Type.String({ description: 'Operating system.' }),
  Arch: Type.String({ description: 'Processor architecture.' }),
  Cpus: Type.Number({ description: 'Processors.' }),
  MemoryBytes: Type.Integer({ description: 'Memory.' }),
  Address: Type.String({ description: 'The address at which workloads of the node are reached.' }),
  Runtimes: Type.Array(
    Type.Object({
      Name: Type.String({ description: 'Such as engine or process.' }),
      Version: Type.Optional(Type.String({ description: 'Its version, where it says so.' })),
      IsAvailable: Type.Boolean({ description: 'Whether it can be used now.' }),
      Reason: Type.Optional(Type.String({ description: 'Why not.' })),
    }),
    { description: 'What it can run workloads with.' },
  ),
  DriverRuntimes: Type.Array(Type.String({ description: 'Such as nodejs8 or python3.' }), {
    description: 'Interpreters for drivers it has.',
  }),
}

const exampleNode = {
  NodeId: 'node-0f2c4ad8b5e19c37',
  Name: 'harbour-1',
  Region: 'zhejiang',
  Environments: ['prod' as const, 'staging' as const],
  IsOnline: true,
  LastSeenAt: '2026-12-01T09:00:00Z',
  CreatedAt: '2026-12-01T08:00:00Z',
  DesiredGeneration: 3,
  AcceptedGeneration: 3,
  AgentVersion: '0.1.0',
  EdgeVersion: '2.9.3',
  Os: 'linux',
  Arch: 'x64',
  Cpus: 4,
  MemoryBytes: 8_321_499_136,
  Address: '192.168.1.20',
  Runtimes: [{ Name: 'engine', Version: '20.10.24', IsAvailable: true }],
  DriverRuntimes: ['nodejs8'],
}

export const ListNodes = operation({
  action: 'ListNodes',
  summary: 'Lists the nodes of the account, oldest first.',
  access: 'list',
  input: Type.Object({
    PageNumber: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000, default: 1, description: 'Default: 1.' })),
    PageSize: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20, description: 'Default: 20.' })),
  }),
  output: Type.Object({
    TotalCount: Type.Integer({ description: 'How many nodes there are.' }),
    PageNumber: Type.Integer({ description: 'The page that was asked for.' }),
    PageSize: Type.Integer({ description: 'Nodes per page.' }),
    Nodes: Type.Array(Type.Object(nodeFields), { description: 'The nodes of this page.' }),
  }),
  errors: ['Node.InvalidParameter'],
  example: { input: { PageNumber: 1, PageSize: 20 }, output: { TotalCount: 1, PageNumber: 1, PageSize: 20, Nodes: [exampleNode] } },
})

const NodeWorkload = Type.Object({
  Key: Type.String({ description: 'app/<app>/<environment> or driver/<instance>/<driver>.' }),
  Desired: Type.Optional(
    Type.Object(
      {
        Version: Type.String({ description: 'The version the node should run.' }),
        Digest: Type.String({ description: 'Digest of everything the node was told about it.' }),
        Generation: Generation('The generation with which it was assigned.'),
        AssignedAt: Time('When it was assigned'),
      },
      { description: 'What the node should run. Left out: nothing any more.' },
    ),
  ),
  Reported: Type.Optional(
    Type.Object(
      {
        Version: Type.String({ description: 'The version that was observed.' }),
        Digest: Type.String({ description: 'The digest that was observed.' }),
        Phase: Type.Unsafe<Phase>({ ...Phase, description: 'How far it is: ready means that it runs and its probes pass.' }),
        Reason: Type.Optional(
          Type.Object(
            { Code: Type.String({ description: 'One word.' }), Message: Type.String({ description: 'The same for people.' }) },
            { description: 'Why it is in this phase.' },
          ),
        ),
        Restarts: Type.Integer({ description: 'How often it was started again.' }),
        Addresses: Type.Array(Type.String({ description: 'host:port.' }), { description: 'Where it can be reached.' }),
        ServingVersion: Type.Optional(Type.String({ description: 'The older version that still serves meanwhile.' })),
        ObservedAt: Time('When the node saw it'),
        ReceivedAt: Time('When the server heard of it'),
      },
      { description: 'What the node said last. Left out: it has not said anything yet.' },
    ),
  ),
  IsCurrent: Type.Boolean({ description: 'Whether the report is about exactly the version and digest the node should run.' }),
})

const NodeBinding = Type.Object({
  Kind: Type.Union([Type.Literal('application'), Type.Literal('message_route'), Type.Literal('scene_rule'), Type.Literal('role')], {
    description: 'application, message_route, scene_rule or role.',
  }),
  InstanceId: Type.String({ description: 'The edge instance it comes from.' }),
  Id: Type.String({ description: 'Its id there.' }),
  Name: Type.String({ description: 'Its name.' }),
  Content: Type.String({ description: 'What is set of it, as JSON text.' }),
  IsStored: Type.Boolean({ description: 'Whether the node has said that it has the newest of what it was told.' }),
})

export const GetNode = operation({
  action: 'GetNode',
  summary: 'Returns a node with every workload: what it should run and what it says it runs.',
  access: 'get',
  input: Type.Object({ NodeId }),
  output: Type.Object({
    Node: Type.Object(nodeFields, { description: 'The node.' }),
    Workloads: Type.Array(NodeWorkload, { description: 'Desired and reported workloads, by key.' }),
    Bindings: Type.Array(NodeBinding, { description: 'What a gateway keeps of its edge instance and does not carry out.' }),
  }),
  errors: ['Node.NotFound', 'Node.InvalidParameter'],
  example: {
    input: { NodeId: 'node-0f2c4ad8b5e19c37' },
    output: {
      Node: exampleNode,
      Workloads: [
        {
          Key: 'app/app-88068867578379/prod',
          Desired: {
            Version: 'ver-87962637161651',
            Digest: '9b2c7ad0',
            Generation: 3,
            AssignedAt: '2026-12-01T08:59:00Z',
          },
          Reported: {
            Version: 'ver-87962637161651',
            Digest: '9b2c7ad0',
            Phase: 'ready',
            Restarts: 0,
            Addresses: ['192.168.1.20:80'],
            ObservedAt: '2026-12-01T08:59:20Z',
            ReceivedAt: '2026-12-01T08:59:21Z',
          },
          IsCurrent: true,
        },
      ],
      Bindings: [
        {
          Kind: 'message_route',
          InstanceId: 'F3APY0tPLhmgGtx0TSQ7',
          Id: '184821781',
          Name: 'to the cloud',
          Content: '{"sourceType":"device","sourceData":"#","topicFilter":"all","targetType":"IotHub","targetData":"","qos":0}',
          IsStored: true,
        },
      ],
    },
  },
})
