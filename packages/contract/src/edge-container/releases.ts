// Operations that publish a version and show how far it got (contract: esa-edge-container §4.3, §4.4, §5).
import Type from 'typebox'
import { operation } from '../operation.ts'
import { AppId, Environment, Remarks, Time, VersionId } from './fields.ts'

const appId = 'app-880688675783794688'
const versionId = 'ver-1005682639679266816'

export const PublishEdgeContainerAppVersion = operation({
  action: 'PublishEdgeContainerAppVersion',
  summary: 'Publishes a version to staging or production; the nodes follow by themselves.',
  description:
    'Staging is one instance and is always replaced as a whole: Percentage, PublishType, Regions and FullRelease do not count there. ' +
    'In production the version goes to a share of the nodes, or to the nodes of some regions; the others keep the baseline, the last ' +
    'version that was published completely. Nodes stand in a line that never changes, so a further step with a higher Percentage, or ' +
    'with more Regions, only adds nodes. How carefully it goes, and what happens when the version does not become ready, is up to ' +
    'SetReleasePolicy of the littoral family.\n\n' +
    'While a version is being published, another one is refused for the same environment, until it is through, fails or takes longer ' +
    'than the policy allows; a further step of the same one is fine. A lower Percentage is refused: RollbackEdgeContainerAppVersion takes a ' +
    'version back. Follow the progress with GetEdgeContainerAppStatus.',
  access: 'update',
  input: Type.Object({
    AppId,
    FullRelease: Type.Optional(Type.Boolean({ description: 'With PublishType `region`: every region. Not looked at otherwise.' })),
    Percentage: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 100,
        default: 100,
        fault: 'InvalidParameter.Percentage',
        description: 'Share of the production nodes that is to run the version, rounded down, but at least one node.',
      }),
    ),
    PublishEnv: Environment('Environment to publish to.'),
    PublishType: Type.Optional(Type.Enum(['percentage', 'region'], { default: 'percentage', description: 'Strategy.' })),
    Regions: Type.Optional(
      Type.Array(Type.String({ maxLength: 64 }), {
        maxItems: 100,
        description: 'With PublishType `region`: region codes, as one JSON text. GetEdgeContainerDeployRegions lists them.',
      }),
    ),
    Remarks: Type.Optional(Remarks),
    StartTime: Type.Optional(
      Type.String({
        maxLength: 64,
        description:
          'When to begin, UTC as in 2026-01-05T16:00:00Z; absent or past means now. Until then RollbackEdgeContainerAppVersion cancels it ' +
          'in production; in staging the next version that is published there takes its place.',
      }),
    ),
    VersionId,
  }),
  output: Type.Object({}),
  errors: [
    'InvalidParameter.PublishEnv',
    'InvalidParameter.Percentage',
    'InvalidParameter.VersionId',
    'InvalidParameter.appid',
    'InvalidParameter',
    'InternalException',
    'InvalidApp.NotFound',
    'InvalidVersion.NotFound',
    'InternalError',
  ],
  example: {
    input: { AppId: appId, Percentage: 100, PublishEnv: 'prod', PublishType: 'percentage', Remarks: 'first rollout', VersionId: versionId },
    output: {},
  },
})

export const RollbackEdgeContainerAppVersion = operation({
  action: 'RollbackEdgeContainerAppVersion',
  summary: 'Takes production back to a version it ran before.',
  description:
    'Always possible, also while something else is being published, which it ends; a release that waits for its StartTime is cancelled. ' +
    'Where nothing was published before, there is no version to go back to: a rollback that names the waiting version cancels its release, ' +
    'and production stays as it is. ' +
    'Nodes change without a bake time, but never more at once than SetReleasePolicy of the littoral family allows.',
  access: 'update',
  input: Type.Object({
    AppId,
    Percentage: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 100,
        description:
          'With UsedPercent: share of the nodes that VersionId has afterwards; 0 and absent mean everything. Not looked at otherwise.',
      }),
    ),
    Remarks: Type.Optional(Remarks),
    UsedPercent: Type.Optional(Type.Boolean({ default: false, description: 'Whether Percentage counts.' })),
    VersionId,
  }),
  output: Type.Object({}),
  errors: [
    'InvalidParameter.VersionId',
    'InvalidParameter.appid',
    'InvalidParameter',
    'InternalException',
    'InvalidApp.NotFound',
    'InternalError',
  ],
  example: { input: { AppId: appId, Remarks: 'undo', VersionId: versionId }, output: {} },
})

export const RebuildEdgeContainerAppStagingEnv = operation({
  action: 'RebuildEdgeContainerAppStagingEnv',
  summary: 'Makes the staging instance anew from the version that was published to staging last.',
  description: 'The old instance serves until the new one is ready. Addresses may change.',
  access: 'update',
  input: Type.Object({ AppId }),
  output: Type.Object({}),
  errors: ['InvalidParameter.appid', 'InvalidParameter', 'InvalidApp.NotFound', 'InternalError'],
  example: { input: { AppId: appId }, output: {} },
})

const AppStatus = Type.Object(
  {
    BaseLineVersion: Type.Optional(Type.String({ description: 'The last version that was published completely.' })),
    DeployStatus: Type.Enum(['undeploy', 'deploying', 'deployed', 'undeploying'], {
      description: 'Whether the environment runs anything.',
    }),
    DeployTime: Type.Optional(Time('When DeployedVersion was deployed, UTC.')),
    DeployedVersion: Type.Optional(Type.String({ description: 'The version that is deployed.' })),
    ExpectPercentage: Type.Integer({ minimum: 0, maximum: 100, description: 'Share that the latest release aims for.' }),
    FullRelease: Type.Boolean({ description: 'Whether a release by region covers every region.' }),
    PublishEnv: Type.String({ description: 'The environment.' }),
    PublishPercentage: Type.Integer({ minimum: 0, maximum: 100, description: 'Share that the latest release has reached.' }),
    PublishStatus: Type.Optional(
      Type.Enum(['publishing', 'published', 'rollbacking', 'rollbacked'], {
        description:
          'State of the latest release; absent while nothing was published. A release whose nodes fail stays `publishing`; GetRelease of the littoral family says more.',
      }),
    ),
    PublishTime: Type.Optional(Time('When the latest release began, UTC.')),
    PublishType: Type.Optional(Type.Enum(['percentage', 'region'], { description: 'Strategy of the latest release.' })),
    PublishingVersion: Type.Optional(Type.String({ description: 'Version of the latest release.' })),
    Regions: Type.Object(
      { Region: Type.Array(Type.String(), { description: 'Region codes of a release by region.' }) },
      { description: 'An object around the list, here and nowhere else.' },
    ),
    RollbackTime: Type.Optional(Time('When the latest rollback began, UTC.')),
    UnDeployTime: Type.Optional(Time('When the environment was taken down, UTC.')),
  },
  { description: 'State of one environment.' },
)

export const GetEdgeContainerAppStatus = operation({
  action: 'GetEdgeContainerAppStatus',
  summary: 'Shows what one environment of an application runs, and how far the latest release got.',
  access: 'get',
  input: Type.Object({
    AppId,
    PublishEnv: Type.Optional(Type.Enum(['prod', 'staging'], { default: 'prod', description: 'Environment to report on.' })),
  }),
  output: Type.Object({ AppStatus }),
  errors: ['InvalidParameter.appid', 'InvalidParameter', 'InvalidApp.NotFound', 'InternalError'],
  example: {
    input: { AppId: appId, PublishEnv: 'prod' },
    output: {
      AppStatus: {
        BaseLineVersion: versionId,
        DeployStatus: 'deployed',
        DeployTime: '2026-01-05T08:10:40Z',
        DeployedVersion: versionId,
        ExpectPercentage: 100,
        FullRelease: false,
        PublishEnv: 'prod',
        PublishPercentage: 100,
        PublishStatus: 'published',
        PublishTime: '2026-01-05T08:10:00Z',
        PublishType: 'percentage',
        PublishingVersion: versionId,
        Regions: { Region: [] },
      },
    },
  },
})

const Condition = (description: string) => Type.Enum(['ok', 'unready'], { description })

export const GetEdgeContainerStagingDeployStatus = operation({
  action: 'GetEdgeContainerStagingDeployStatus',
  summary: 'Shows the one instance of staging: its phase, its conditions, its restarts and its addresses.',
  description: 'Everything is what the node last reported for exactly the version that was published to staging.',
  access: 'get',
  input: Type.Object({ AppId }),
  output: Type.Object({
    ContainersReady: Condition('Whether every container passes its probe.'),
    CreationTimestamp: Type.Optional(Time('When the instance was made, UTC; absent while there is none.')),
    Initialized: Condition('Whether images were pulled and containers made.'),
    Phase: Type.Enum(
      ['NoContainer', 'Pending', 'ContainerCreating', 'Running', 'Succeeded', 'ImagePullBackOff', 'CrashLoopBackOff', 'Failed', 'Unknown'],
      { description: 'State of the instance. `NoContainer`: nothing was published. `Unknown`: its node is offline.' },
    ),
    PodRestartState: Type.Object(
      {
        LastTerminatedReason: Type.Optional(Type.String({ description: 'Why a container ended last.' })),
        RestartCount: Type.Integer({ minimum: 0, description: 'Restarts of the instance so far.' }),
      },
      { description: 'Restarts.' },
    ),
    Ready: Condition('Whether the instance may receive traffic.'),
    Scheduled: Condition('Whether a node was chosen.'),
    VIPs: Type.Array(Type.String(), { description: 'Addresses, host:port, under which the instance can be reached.' }),
  }),
  errors: ['InvalidParameter.appid', 'InvalidParameter', 'InvalidApp.NotFound', 'InternalError'],
  example: {
    input: { AppId: appId },
    output: {
      ContainersReady: 'ok',
      CreationTimestamp: '2026-01-05T08:10:20Z',
      Initialized: 'ok',
      Phase: 'Running',
      PodRestartState: { LastTerminatedReason: 'OOMKilled', RestartCount: 1 },
      Ready: 'ok',
      Scheduled: 'ok',
      VIPs: ['192.0.2.10:80'],
    },
  },
})
