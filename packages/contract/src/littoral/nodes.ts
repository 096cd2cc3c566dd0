// Operations on nodes: join tokens, who is there, and what each runs compared with what it should run.
import Type from 'typebox'
import { operation } from '../operation.ts'
import { Disk, Generation, NodeBinding, NodeDevice, NodeWorkload } from './node-fields.ts'
import { NodeId, Time } from './fields.ts'

const Environment = (description: string) => Type.Union([Type.Literal('prod'), Type.Literal('staging')], { description })

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
  IsOnline: Type.Boolean({
    description:
      'Whether it is connected, or was half a heartbeat ago; where no server saw it leave, whether it was heard of within three heartbeats.',
  }),
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
  DriverRuntimeVersions: Type.Optional(
    Type.Array(
      Type.Object({
        Name: Type.String({ description: 'One of DriverRuntimes.' }),
        Version: Type.String({ description: 'What the interpreter says it is.' }),
      }),
      { description: 'What runs drivers of these languages on it. A runtime names a language: java8 takes any Java from 8 on.' },
    ),
  ),
  Conditions: Type.Array(
    Type.Object({
      Code: Type.String({
        description:
          'DesiredStateCorrupt, IdentityCorrupt or RecordCorrupt: a file was damaged · DiskFull, DataFolderReadOnly or DiskFailed: the ' +
          'data folder takes nothing · RuntimeUnavailable: what runs workloads does not answer · ClockWrong: its clock is off · WentBack: ' +
          'it went back to an older version by itself · RegionUnknown: its region is none of the installation, so releases by region pass it over.',
      }),
      Message: Type.String({ description: 'The same for people.' }),
      Since: Time('Since when, by the clock of the node'),
    }),
    { description: 'What is wrong with the node itself, as it said last. Empty: nothing.' },
  ),
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
  DriverRuntimeVersions: [{ Name: 'nodejs8', Version: 'Node.js 22.17.0' }],
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
          Usage: {
            CpuMicros: 42_000,
            MemoryBytes: 61_865_984,
            MemoryLimitBytes: 536_870_912,
            ReadBytesPerSecond: 0,
            WrittenBytesPerSecond: 1_365,
            ReceivedAt: '2026-12-01T08:59:55Z',
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
