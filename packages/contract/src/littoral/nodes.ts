// Operations on nodes: join tokens, who is there, and what each runs compared with what it should run.
import Type from 'typebox'
import { operation } from '../operation.ts'
import { Phase } from '../node/report.ts'

export const Time = (description: string) => Type.String({ maxLength: 32, description: `${description}; ISO 8601, UTC.` })
const Environment = (description: string) => Type.Union([Type.Literal('prod'), Type.Literal('staging')], { description })
const Generation = (description: string) => Type.Integer({ minimum: 0, description })

export const NodeId = Type.String({ minLength: 1, maxLength: 64, description: 'The node, as ListNodes names it.' })

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
      StorageLimit: Type.Optional(
        Type.Enum(['engine', 'agent'], {
          description:
            'Who keeps containers within their storage. engine: a write beyond it fails · agent: it is measured every minute, and a container beyond it is ended with the reason StorageExceeded and begins with an empty disk.',
        }),
      ),
    }),
    { description: 'What it can run workloads with.' },
  ),
  DriverRuntimes: Type.Array(Type.String({ description: 'Such as nodejs8 or python3.' }), {
    description: 'Interpreters for drivers it has.',
  }),
  Conditions: Type.Array(
    Type.Object({
      Code: Type.String({
        description:
          'DesiredStateCorrupt, IdentityCorrupt or RecordCorrupt: a file was damaged · DiskFull, DataFolderReadOnly or DiskFailed: the ' +
          'data folder takes nothing · RuntimeUnavailable: what runs workloads does not answer · ClockWrong: its clock is off · WentBack: ' +
          'it went back to an older version by itself.',
      }),
      Message: Type.String({ description: 'The same for people.' }),
      Since: Time('Since when, by the clock of the node'),
    }),
    { description: 'What is wrong with the node itself, as it said last. Empty: nothing.' },
  ),
}

const Bytes = (description: string) => Type.Integer({ minimum: 0, description })

const Disk = Type.Object(
  {
    TotalBytes: Bytes('Size of the fullest disk that images or packages lie on.'),
    FreeBytes: Bytes('What is free of it.'),
    StockBytes: Bytes('What images and packages take that the agent brought to the node.'),
    BudgetBytes: Type.Optional(Bytes('What they may take, where the node was given a budget.')),
    IsShort: Type.Boolean({ description: 'Whether room is short and nothing is left that may be removed.' }),
    Removed: Type.Array(
      Type.Object({
        Name: Type.String({ description: 'The image or package.' }),
        SizeBytes: Bytes('What it took.'),
        RemovedAt: Time('When, by the clock of the node'),
      }),
      { description: 'What was removed last to make room, newest first.' },
    ),
    ReceivedAt: Time('When the node said so'),
  },
  { description: 'Its disk. Left out: the node has not spoken of it yet.' },
)

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
  Conditions: [{ Code: 'DiskFull', Message: 'no space is left on the disk of /var/lib/littoral', Since: '2026-12-01T08:30:00Z' }],
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

export const DeleteNode = operation({
  action: 'DeleteNode',
  summary: 'Forgets a node whose agent has been stopped, with what it should run and what it reported.',
  access: 'delete',
  input: Type.Object({ NodeId }),
  output: Type.Object({}),
  errors: ['Node.NotFound', 'Node.Online', 'Node.InvalidParameter'],
  example: { input: { NodeId: 'node-0f2c4ad8b5e19c37' }, output: {} },
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
        Progress: Type.Optional(
          Type.Object(
            {
              Subject: Type.String({ description: 'The container whose image it is, or the package.' }),
              Image: Type.Optional(Type.String({ description: 'The image.' })),
              LayersDone: Type.Optional(Type.Integer({ description: 'Layers that are here.' })),
              LayersTotal: Type.Optional(Type.Integer({ description: 'Layers of the image.' })),
              DoneBytes: Bytes('Bytes that are here.'),
              TotalBytes: Type.Optional(Bytes('Bytes in all; left out until all of them are known.')),
            },
            { description: 'What is being brought to the node right now.' },
          ),
        ),
        NextAttemptAt: Type.Optional(
          Time('When the node tries again what failed, by the clock of the server. RetryWorkload does not wait for it'),
        ),
        FailedAttempts: Type.Optional(Type.Integer({ description: 'How often in a row it has failed.' })),
        Restarts: Type.Integer({ description: 'How often it was started again.' }),
        Addresses: Type.Array(Type.String({ description: 'host:port.' }), { description: 'Where it can be reached.' }),
        ServingVersion: Type.Optional(Type.String({ description: 'The older version that still serves meanwhile.' })),
        Retreat: Type.Optional(
          Type.Object(
            {
              Version: Type.String({ description: 'The version it went back from.' }),
              Code: Type.String({ description: 'One word, such as ContactLost.' }),
              Message: Type.String({ description: 'The same for people.' }),
              At: Time('When, by the clock of the node'),
            },
            { description: 'The version that the node went back from by itself, until a version was confirmed again.' },
          ),
        ),
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

const NodeDevice = Type.Object({
  IotId: Type.String({ description: 'Id of the device.' }),
  ProductKey: Type.String({ description: 'Its product.' }),
  DeviceName: Type.String({ description: 'Its name.' }),
  DriverId: Type.String({ description: 'The driver it is behind.' }),
  IsOnline: Type.Boolean({ description: 'Whether its driver says that it is there, and the node is there to pass it on.' }),
  Since: Time('Since when'),
  Properties: Type.Array(
    Type.Object({
      Name: Type.String({ description: 'Identifier of the property.' }),
      Value: Type.String({ description: 'Its newest value, as JSON text.' }),
      At: Time('When the device said it'),
    }),
    { description: 'The newest value of up to 50 properties.' },
  ),
})

export const GetNode = operation({
  action: 'GetNode',
  summary: 'Returns a node with every workload: what it should run and what it says it runs, and the devices behind its drivers.',
  access: 'get',
  input: Type.Object({ NodeId }),
  output: Type.Object({
    Node: Type.Object(nodeFields, { description: 'The node.' }),
    Disk: Type.Optional(Disk),
    Workloads: Type.Array(NodeWorkload, { description: 'Desired and reported workloads, by key.' }),
    Bindings: Type.Array(NodeBinding, { description: 'What a gateway keeps of its edge instance and does not carry out.' }),
    DeviceCount: Type.Integer({ description: 'How many devices behind its drivers it ever spoke of.' }),
    Devices: Type.Array(NodeDevice, { description: 'Up to 200 of them, those that are online first.' }),
  }),
  errors: ['Node.NotFound', 'Node.InvalidParameter'],
  example: {
    input: { NodeId: 'node-0f2c4ad8b5e19c37' },
    output: {
      Node: exampleNode,
      Disk: {
        TotalBytes: 62_000_000_000,
        FreeBytes: 21_400_000_000,
        StockBytes: 1_830_000_000,
        IsShort: false,
        Removed: [{ Name: 'registry.example/shop/web:1', SizeBytes: 412_000_000, RemovedAt: '2026-12-01T08:58:00Z' }],
        ReceivedAt: '2026-12-01T08:59:00Z',
      },
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
      DeviceCount: 1,
      Devices: [
        {
          IotId: '4z819VQHk6VSLmmBJfrf0010000002',
          ProductKey: 'a1mAdeG0002',
          DeviceName: 'sensor_01',
          DriverId: 'fec565038d7544978d9aed5c1a300001',
          IsOnline: true,
          Since: '2026-12-01T08:59:30Z',
          Properties: [{ Name: 'temperature', Value: '21.5', At: '2026-12-01T09:00:00Z' }],
        },
      ],
    },
  },
})

export const RetryWorkload = operation({
  action: 'RetryWorkload',
  summary: 'Makes a node try now what waits for its next attempt.',
  description:
    'A pull, a download, a start or a restart that failed is tried again after a pause that grows up to five minutes. This ends the pause; ' +
    'what fails again waits again. It changes neither what the node should run nor what runs.',
  access: 'update',
  input: Type.Object({
    NodeId,
    Workload: Type.String({ minLength: 1, maxLength: 200, description: 'The key of the workload, as GetNode shows it.' }),
  }),
  output: Type.Object({
    WasWaiting: Type.Boolean({ description: 'Whether something waited. If not, it is under way already, or has nothing left to do.' }),
  }),
  errors: ['Node.NotFound', 'Node.WorkloadNotFound', 'Node.Unreachable', 'Node.InvalidParameter'],
  example: { input: { NodeId: 'node-0f2c4ad8b5e19c37', Workload: 'app/app-88068867578379/prod' }, output: { WasWaiting: true } },
})
