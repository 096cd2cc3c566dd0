// Operations on releases that the vendor's family has no words for: history, holding, planning ahead, and why.
import Type from 'typebox'
import { operation } from '../operation.ts'
import { Time } from './fields.ts'

export const AppId = Type.String({ minLength: 1, maxLength: 64, description: 'The application.' })
const Environment = (description: string) => Type.Enum(['prod', 'staging'], { description })
const ReleaseId = Type.String({ minLength: 1, maxLength: 64, description: 'The release, as ListReleases names it.' })
const VersionId = (description: string) => Type.String({ minLength: 1, maxLength: 64, description })
const PageNumber = Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000, default: 1, description: 'Default: 1.' }))
const PageSize = (usual: number) =>
  Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: usual, description: `Default: ${usual}.` }))
const page = {
  TotalCount: Type.Integer({ description: 'How many entries there are on all pages.' }),
  PageNumber: Type.Integer({ description: 'The page that was returned.' }),
  PageSize: Type.Integer({ description: 'The page size that was used.' }),
}

const releaseFields = {
  ReleaseId: Type.String({ description: 'The release.' }),
  AppId: Type.String({ description: 'Its application.' }),
  PublishEnv: Environment('Its environment.'),
  Revision: Type.Integer({ description: 'Counts up with every release of the environment.' }),
  Kind: Type.Enum(['publish', 'rollback', 'revert'], {
    description: 'What it is: a publish, a rollback that somebody asked for, or one that the policy asked for.',
  }),
  VersionId: Type.String({ description: 'The version it brings.' }),
  RestVersionId: Type.Optional(
    Type.String({ description: 'What nodes run that it does not cover, and what a node returns to on which the version failed.' }),
  ),
  State: Type.Enum(['scheduled', 'running', 'paused', 'stopped', 'succeeded', 'rollingBack', 'rolledBack', 'superseded'], {
    description:
      'Where it is. `stopped`: the version failed on nodes, or did not get through in time; another one may take its place. Over a ' +
      'version that served, no further nodes get it; else it is still tried. `rolledBack`: a rollback that is through, which is not ' +
      'called a success.',
  }),
  PublishType: Type.Enum(['percentage', 'region'], { description: 'Its strategy.' }),
  Percentage: Type.Integer({ description: 'The share of the nodes it covers by their place in line; 0 where it goes by region alone.' }),
  Regions: Type.Array(Type.String({ description: 'A region code.' }), { description: 'The regions it covers beside that.' }),
  IsFull: Type.Boolean({ description: 'Whether it covers every node.' }),
  Remarks: Type.String({ description: 'The note that was given with it.' }),
  CreatedBy: Type.String({ description: 'Access key id of who asked for it; `littoral` for a revert.' }),
  CreatedAt: Time('When it was asked for'),
  StartAt: Type.Optional(Time('When it is, or was, to begin')),
  StartedAt: Type.Optional(Time('When it began')),
  PausedAt: Type.Optional(Time('Since when it is held')),
  PausedBy: Type.Optional(Type.String({ description: 'Access key id of who holds it.' })),
  EndedAt: Type.Optional(Time('When it ended')),
  EndingCode: Type.Optional(
    Type.Enum(['Completed', 'FailureBudgetUsedUp', 'NodesFailed', 'Superseded', 'RolledBack', 'Cancelled'], {
      description: 'Why it ended, as one word.',
    }),
  ),
  EndingMessage: Type.Optional(Type.String({ description: 'Why it ended, for people.' })),
}

const exampleRelease = {
  ReleaseId: 'rel-100000000000000042',
  AppId: 'app-880688675783794688',
  PublishEnv: 'prod' as const,
  Revision: 3,
  Kind: 'publish' as const,
  VersionId: 'ver-1005682639679266816',
  RestVersionId: 'ver-1005682639679266001',
  State: 'stopped' as const,
  PublishType: 'percentage' as const,
  Percentage: 100,
  Regions: [],
  IsFull: true,
  Remarks: 'new checkout',
  CreatedBy: 'LTAI5tExample',
  CreatedAt: '2026-12-01T09:00:00Z',
  StartedAt: '2026-12-01T09:00:00Z',
  EndedAt: '2026-12-01T09:10:03Z',
  EndingCode: 'FailureBudgetUsedUp' as const,
  EndingMessage: 'Version ver-1005682639679266816 failed on 1 of 3 nodes; node-0f2c4ad8b5e19c37: exit code 1',
}

const State = Type.Enum(['outside', 'waiting', 'changing', 'baking', 'proven', 'expired', 'failed', 'late', 'unreached'], {
  description:
    'outside: not covered · waiting: its turn has not come · changing: told, not ready yet · baking: ready, not for long enough · ' +
    'proven: ready for its bake time · expired: about to return · failed: returned to the version before · late: not ready in ' +
    'time, with nothing to return to, so it goes on trying · unreached: away.',
})

const ReleaseNode = Type.Object({
  NodeId: Type.String({ description: 'The node.' }),
  Place: Type.Integer({ description: 'Its place in line, from 1. It only depends on application and node.' }),
  State,
  VersionId: Type.Optional(Type.String({ description: 'What it is told to run.' })),
  Phase: Type.Optional(Type.String({ description: 'What it says of exactly that.' })),
  FailureCode: Type.Optional(Type.String({ description: 'Why the version failed on it, as one word.' })),
  FailureMessage: Type.Optional(Type.String({ description: 'The same for people.' })),
})

const Counts = Type.Object(
  {
    Nodes: Type.Integer({ description: 'Nodes that serve the environment.' }),
    Covered: Type.Integer({ description: 'Those that the release covers.' }),
    Proven: Type.Integer({ description: 'Those that run it and stayed ready for the bake time.' }),
    Failed: Type.Integer({ description: 'Those on which it failed, and which returned.' }),
    Late: Type.Integer({ description: 'Those that are not ready in time and go on trying.' }),
    Unreached: Type.Integer({ description: 'Those that are away; they follow when they return.' }),
    InDoubt: Type.Integer({ description: 'Nodes that are changing, or ready for less than the bake time.' }),
    MayChange: Type.Integer({ description: 'How many may be in doubt at once now.' }),
    FailureBudget: Type.Integer({ description: 'On how many nodes the version may fail now.' }),
  },
  { description: 'How far it is.' },
)

export const GetRelease = operation({
  action: 'GetRelease',
  summary: 'Returns a release with how far it is, node by node, and why it ended.',
  description: 'Progress and nodes are there for the release that is in effect, the newest one of its environment that has begun.',
  access: 'get',
  input: Type.Object({ ReleaseId, PageNumber, PageSize: PageSize(100) }),
  output: Type.Object({
    Release: Type.Object(releaseFields, { description: 'The release.' }),
    Progress: Type.Optional(Counts),
    Failures: Type.Array(
      Type.Object({
        NodeId: Type.String({ description: 'The node.' }),
        Code: Type.String({ description: 'One word.' }),
        Message: Type.String({ description: 'The same for people.' }),
        FailedAt: Time('When it was given up there'),
      }),
      { description: 'Nodes on which the version failed, at most 500.' },
    ),
    Nodes: Type.Array(ReleaseNode, { description: 'One page of the nodes, in line.' }),
    ...page,
  }),
  errors: ['Release.NotFound', 'Node.InvalidParameter'],
  example: {
    input: { ReleaseId: 'rel-100000000000000042' },
    output: {
      Release: exampleRelease,
      Progress: { Nodes: 3, Covered: 3, Proven: 0, Failed: 1, Late: 0, Unreached: 0, InDoubt: 0, MayChange: 1, FailureBudget: 1 },
      Failures: [{ NodeId: 'node-0f2c4ad8b5e19c37', Code: 'ExitedEarly', Message: 'exit code 1', FailedAt: '2026-12-01T09:10:03Z' }],
      Nodes: [{ NodeId: 'node-0f2c4ad8b5e19c37', Place: 1, State: 'failed', VersionId: 'ver-1005682639679266001', Phase: 'ready' }],
      TotalCount: 1,
      PageNumber: 1,
      PageSize: 100,
    },
  },
})

export const ListReleases = operation({
  action: 'ListReleases',
  summary: 'Lists the releases of an application, newest first: who, when, and why each ended.',
  access: 'list',
  input: Type.Object({ AppId, PublishEnv: Type.Optional(Environment('Only of this environment.')), PageNumber, PageSize: PageSize(20) }),
  output: Type.Object({
    ...page,
    Releases: Type.Array(Type.Object(releaseFields), { description: 'One page of the releases.' }),
  }),
  errors: ['InvalidApp.NotFound', 'Node.InvalidParameter'],
  example: {
    input: { AppId: 'app-880688675783794688', PublishEnv: 'prod' },
    output: { TotalCount: 1, PageNumber: 1, PageSize: 20, Releases: [exampleRelease] },
  },
})

export const PauseRelease = operation({
  action: 'PauseRelease',
  summary: 'Holds the release that is under way: no further node changes to its version.',
  description: 'Nodes that are changing go on, and a node on which the version fails still returns to the one before.',
  access: 'update',
  input: Type.Object({ ReleaseId }),
  output: Type.Object({ Release: Type.Object(releaseFields, { description: 'The release.' }) }),
  errors: ['Release.NotFound', 'Release.NotUnderWay', 'Node.InvalidParameter'],
  example: {
    input: { ReleaseId: 'rel-100000000000000042' },
    output: { Release: { ...exampleRelease, State: 'paused' } },
  },
})

export const ResumeRelease = operation({
  action: 'ResumeRelease',
  summary: 'Lets a release go on that is paused, or tries one again that stopped.',
  description: 'After a stop the nodes on which the version failed get it once more, and the failure budget counts from nothing.',
  access: 'update',
  input: Type.Object({ ReleaseId }),
  output: Type.Object({ Release: Type.Object(releaseFields, { description: 'The release.' }) }),
  errors: ['Release.NotFound', 'Release.NotHeld', 'Node.InvalidParameter'],
  example: {
    input: { ReleaseId: 'rel-100000000000000042' },
    output: { Release: { ...exampleRelease, State: 'running' } },
  },
})

export const PlanRelease = operation({
  action: 'PlanRelease',
  summary: 'Tells, node by node, what a publish would change, and changes nothing.',
  description: 'Refuses what PublishEdgeContainerAppVersion would refuse, with the same errors.',
  access: 'get',
  input: Type.Object({
    AppId,
    VersionId: VersionId('The version that would be published.'),
    PublishEnv: Type.Optional(Type.Enum(['prod', 'staging'], { default: 'prod', description: 'Where to. Default: prod.' })),
    PublishType: Type.Optional(
      Type.Enum(['percentage', 'region'], { default: 'percentage', description: 'Strategy. Default: percentage.' }),
    ),
    Percentage: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 100, description: 'Share of the nodes. Default: 100.' })),
    Regions: Type.Optional(
      Type.Array(Type.String({ maxLength: 64 }), { maxItems: 100, description: 'Region codes, for PublishType region.' }),
    ),
    FullRelease: Type.Optional(Type.Boolean({ description: 'Every region, for PublishType region.' })),
    PageNumber,
    PageSize: PageSize(100),
  }),
  output: Type.Object({
    Covered: Type.Integer({ description: 'Nodes that the release would cover.' }),
    Changing: Type.Integer({ description: 'Nodes that would change, sooner or later.' }),
    AtOnce: Type.Integer({ description: 'How many of them at once, until the version is proven.' }),
    RestVersionId: Type.Optional(
      Type.String({ description: 'What the other nodes run, and what a node returns to when the version fails.' }),
    ),
    Nodes: Type.Array(
      Type.Object({
        NodeId: Type.String({ description: 'The node.' }),
        Place: Type.Integer({ description: 'Its place in line, from 1.' }),
        Region: Type.String({ description: 'Its region.' }),
        IsOnline: Type.Boolean({ description: 'Whether it is there; one that is away follows when it returns.' }),
        Now: Type.Optional(Type.String({ description: 'The version it is told to run now.' })),
        Then: Type.Optional(Type.String({ description: 'The version it would be told to run.' })),
        Change: Type.Enum(['none', 'start', 'update', 'restore', 'stop'], {
          description: 'start: it runs nothing yet · update: to the version · restore: to the baseline · stop: it would run nothing.',
        }),
      }),
      { description: 'One page of the nodes, in line.' },
    ),
    ...page,
  }),
  errors: [
    'InvalidApp.NotFound',
    'InvalidVersion.NotFound',
    'InvalidParameter',
    'InvalidParameter.Percentage',
    'InternalException',
    'Node.InvalidParameter',
  ],
  example: {
    input: { AppId: 'app-880688675783794688', VersionId: 'ver-1005682639679266816', Percentage: 34 },
    output: {
      Covered: 1,
      Changing: 1,
      AtOnce: 1,
      RestVersionId: 'ver-1005682639679266001',
      Nodes: [
        {
          NodeId: 'node-0f2c4ad8b5e19c37',
          Place: 1,
          Region: 'zhejiang',
          IsOnline: true,
          Now: 'ver-1005682639679266001',
          Then: 'ver-1005682639679266816',
          Change: 'update',
        },
      ],
      TotalCount: 3,
      PageNumber: 1,
      PageSize: 1,
    },
  },
})

export const ExplainNode = operation({
  action: 'ExplainNode',
  summary: 'Tells why a node does, or does not, run a version: the whole chain of causes.',
  description:
    'Where the node says that a port is taken, `PortTaken` names each other workload of the node that wants it: the port leads to one ' +
    'of them, and the others are tried again until it is free.',
  access: 'get',
  input: Type.Object({
    NodeId: Type.String({ minLength: 1, maxLength: 64, description: 'The node, as ListNodes names it.' }),
    AppId,
    VersionId: Type.Optional(VersionId('The version in question. Left out: the one that was released last.')),
    PublishEnv: Type.Optional(Type.Enum(['prod', 'staging'], { default: 'prod', description: 'Environment. Default: prod.' })),
  }),
  output: Type.Object({
    IsReady: Type.Boolean({ description: 'Whether the node says that it runs exactly this version, ready.' }),
    VersionId: Type.Optional(Type.String({ description: 'The version in question.' })),
    AssignedVersionId: Type.Optional(Type.String({ description: 'What the node is told to run.' })),
    ServingVersionId: Type.Optional(Type.String({ description: 'What serves on it, as far as it says.' })),
    Causes: Type.Array(
      Type.Object({ Code: Type.String({ description: 'One word.' }), Message: Type.String({ description: 'The same for people.' }) }),
      { description: 'From the intent to the instance, in order. The last one is where it ends for now.' },
    ),
  }),
  errors: ['Node.NotFound', 'InvalidApp.NotFound', 'Node.InvalidParameter'],
  example: {
    input: { NodeId: 'node-0f2c4ad8b5e19c37', AppId: 'app-880688675783794688' },
    output: {
      IsReady: false,
      VersionId: 'ver-1005682639679266816',
      AssignedVersionId: 'ver-1005682639679266001',
      ServingVersionId: 'ver-1005682639679266001',
      Causes: [
        { Code: 'Released', Message: 'Release rel-100000000000000042 of version ver-1005682639679266816 is running.' },
        { Code: 'OutsideShare', Message: 'It covers the first 1 of 3 nodes in line, and this one is number 2.' },
      ],
    },
  },
})
