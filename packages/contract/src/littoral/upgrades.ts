// Operations on upgrades: another version of the agent on nodes, a few at a time.
import Type from 'typebox'
import { operation } from '../operation.ts'
import { NodeId, Time } from './fields.ts'

const UpgradeId = Type.String({ minLength: 1, maxLength: 64, description: 'The upgrade, as UpgradeNodes names it.' })
const Version = (description: string) => Type.String({ minLength: 1, maxLength: 64, pattern: '^[0-9A-Za-z][0-9A-Za-z.+-]*$', description })

export const ListAgentBundles = operation({
  action: 'ListAgentBundles',
  summary: 'Lists the versions of the agent that nodes can be upgraded to.',
  description:
    "The server's own version is always among them once it has been built. A file `agents/littoral-agent-<version>.mjs` in the data folder adds " +
    'another one, or replaces the one of the same version.',
  access: 'list',
  input: Type.Object({}),
  output: Type.Object({
    Bundles: Type.Array(
      Type.Object({
        AgentVersion: Type.String({ description: 'Version of the agent.' }),
        Sha256: Type.String({ description: 'Digest of the file, which a node compares before it starts it.' }),
        SizeBytes: Type.Integer({ description: 'Size of the file.' }),
        IsOwn: Type.Boolean({ description: 'Whether it is the version of this server.' }),
      }),
      { description: 'Every version there is, newest first.' },
    ),
  }),
  errors: ['Node.InvalidParameter'],
  example: {
    input: {},
    output: {
      Bundles: [
        {
          AgentVersion: '0.1.0',
          Sha256: '4f8b42c22dd3729b519ba6f68d2da7cc5b2d606d05daed5ad5128cc03e6c6358',
          SizeBytes: 402_133,
          IsOwn: true,
        },
      ],
    },
  },
})

const limits = {
  MaxAtOnce: 'How many nodes may be changing at once.',
  MaxFailures: 'The upgrade stops once it has failed on more nodes than this.',
  ConfirmSeconds: 'How long the new agent has to connect and report before the old one goes on instead.',
  HoldSeconds: 'How long the connection of the new agent has to hold before it counts.',
}

export const UpgradeNodes = operation({
  action: 'UpgradeNodes',
  summary: 'Starts the upgrade of the agent on one node, on some, or on all nodes of the account.',
  description:
    'A node downloads the new agent, compares its digest, starts it beside the old one and hands over. The new one has to connect and report in ' +
    'time; otherwise the old one goes on and says why. Containers and open ports are not touched; driver processes are started again. A node ' +
    'that is in an older upgrade leaves it. Nodes that are off line are told when they return.',
  access: 'update',
  input: Type.Object({
    NodeIds: Type.Optional(
      Type.Array(NodeId, { minItems: 1, maxItems: 1000, description: 'The nodes. Left out: all nodes of the account, or of the region.' }),
    ),
    Region: Type.Optional(
      Type.String({ minLength: 1, maxLength: 64, description: 'Only nodes of this region; not together with NodeIds.' }),
    ),
    // Not Version: that is the version of the API in every call.
    AgentVersion: Type.Optional(Version("A version that ListAgentBundles shows. Left out: the server's own.")),
    MaxAtOnce: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 1, description: `${limits.MaxAtOnce} Default: 1.` })),
    MaxFailures: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000, default: 0, description: `${limits.MaxFailures} Default: 0.` })),
    ConfirmSeconds: Type.Optional(
      Type.Integer({ minimum: 5, maximum: 3600, default: 120, description: `${limits.ConfirmSeconds} Default: 120.` }),
    ),
    HoldSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 600, default: 10, description: `${limits.HoldSeconds} Default: 10.` })),
  }),
  output: Type.Object({
    UpgradeId: Type.String({ description: 'Names the upgrade.' }),
    AgentVersion: Type.String({ description: 'The version the nodes get.' }),
    Nodes: Type.Integer({ description: 'How many nodes are in it.' }),
  }),
  errors: ['Node.NotFound', 'Upgrade.VersionUnknown', 'Upgrade.NoNodes', 'Node.InvalidParameter'],
  example: {
    input: { NodeIds: ['node-0f2c4ad8b5e19c37'], AgentVersion: '0.1.0' },
    output: { UpgradeId: 'upgrade-5f3a9c0b7e21', AgentVersion: '0.1.0', Nodes: 1 },
  },
})

const UpgradeState = Type.Enum(['running', 'finished', 'stopped'])
const NodeUpgradeState = Type.Enum(['waiting', 'told', 'downloading', 'starting', 'trying', 'done', 'failed', 'left'])

export const GetUpgrade = operation({
  action: 'GetUpgrade',
  summary: 'Returns how far an upgrade is, node by node.',
  access: 'get',
  input: Type.Object({ UpgradeId }),
  output: Type.Object({
    UpgradeId: Type.String({ description: 'The upgrade.' }),
    AgentVersion: Type.String({ description: 'The version the nodes get.' }),
    Sha256: Type.String({ description: 'Digest of the file they get.' }),
    State: Type.Unsafe<'running' | 'finished' | 'stopped'>({
      ...UpgradeState,
      description: 'running; finished: every node has its outcome; stopped: by StopUpgrade or by too many failures.',
    }),
    StopReason: Type.Optional(Type.String({ description: 'Why it stopped.' })),
    MaxAtOnce: Type.Integer({ description: limits.MaxAtOnce }),
    MaxFailures: Type.Integer({ description: limits.MaxFailures }),
    ConfirmSeconds: Type.Integer({ description: limits.ConfirmSeconds }),
    HoldSeconds: Type.Integer({ description: limits.HoldSeconds }),
    CreatedAt: Time('When it was started'),
    Nodes: Type.Array(
      Type.Object({
        NodeId: Type.String({ description: 'The node.' }),
        State: Type.Unsafe<'waiting' | 'told' | 'downloading' | 'starting' | 'trying' | 'done' | 'failed' | 'left'>({
          ...NodeUpgradeState,
          description:
            'waiting: for its turn; told: it should begin; downloading, starting, trying: as it says itself; done: the new agent runs; failed: the ' +
            'old one does; left: the upgrade was stopped, or a newer one took the node, before it was told.',
        }),
        Code: Type.Optional(Type.String({ description: 'Why it failed, in one word.' })),
        Message: Type.Optional(Type.String({ description: 'Why it failed, for people.' })),
        UpdatedAt: Time('When that was noted'),
      }),
      { description: 'Every node of the upgrade.' },
    ),
  }),
  errors: ['Upgrade.NotFound', 'Node.InvalidParameter'],
  example: {
    input: { UpgradeId: 'upgrade-5f3a9c0b7e21' },
    output: {
      UpgradeId: 'upgrade-5f3a9c0b7e21',
      AgentVersion: '0.1.0',
      Sha256: '4f8b42c22dd3729b519ba6f68d2da7cc5b2d606d05daed5ad5128cc03e6c6358',
      State: 'stopped',
      StopReason: 'it failed on 1 node, and may fail on 0',
      MaxAtOnce: 1,
      MaxFailures: 0,
      ConfirmSeconds: 120,
      HoldSeconds: 10,
      CreatedAt: '2026-12-01T09:00:00Z',
      Nodes: [
        {
          NodeId: 'node-0f2c4ad8b5e19c37',
          State: 'failed',
          Code: 'NotConfirmed',
          Message: 'the new agent did not connect and report within 120 s; the old one goes on',
          UpdatedAt: '2026-12-01T09:02:30Z',
        },
      ],
    },
  },
})

export const StopUpgrade = operation({
  action: 'StopUpgrade',
  summary: 'Stops an upgrade: nodes that have not been told yet stay as they are.',
  access: 'update',
  input: Type.Object({ UpgradeId }),
  output: Type.Object({}),
  errors: ['Upgrade.NotFound', 'Upgrade.NotRunning', 'Node.InvalidParameter'],
  example: { input: { UpgradeId: 'upgrade-5f3a9c0b7e21' }, output: {} },
})
