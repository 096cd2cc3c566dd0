// Between the wire's names and the domain's: the only translators of this family. What comes in is already checked by its
// schema; strings of a container pass through unchanged in both directions.
import type { Input, Output } from '@littoral/contract/operation'
import type { operations } from '@littoral/contract/edge-container/index'
import type { HealthCheck } from '../../domain/app.ts'
import type { AcrImage, Container, ContainerDraft, ProbeSettings } from '../../domain/container.ts'
import type { EnvironmentStatus } from '../../domain/environment-status.ts'
import type { StagingStatus } from '../../domain/staging-status.ts'
import type { Version } from '../../domain/version.ts'
import type { ListedApp } from '../../store/edge-container/apps.ts'
import type { Listing } from '../../store/edge-container/listing.ts'

type Family = typeof operations
type AppView = Output<Family['GetEdgeContainerApp']>['App']
type AppEntry = Output<Family['ListEdgeContainerApps']>['Apps'][number]
type VersionView = Output<Family['GetEdgeContainerAppVersion']>['Version']
type VersionEntry = Output<Family['ListEdgeContainerAppVersions']>['Versions'][number]
type ContainerInput = Input<Family['CreateEdgeContainerAppVersion']>['Containers'][number]
type AppInput = Input<Family['CreateEdgeContainerApp']>

/** Wire name → name in the domain, in the contract's order. */
const probeNames = {
  Command: 'command',
  FailureThreshold: 'failureThreshold',
  Host: 'host',
  HttpHeaders: 'httpHeaders',
  InitialDelaySeconds: 'initialDelaySeconds',
  Path: 'path',
  PeriodSeconds: 'periodSeconds',
  Port: 'port',
  Scheme: 'scheme',
  SuccessThreshold: 'successThreshold',
  TimeoutSeconds: 'timeoutSeconds',
} as const
const acrNames = {
  Domain: 'domain',
  InstanceId: 'instanceId',
  IsEnterpriseRegistry: 'isEnterpriseRegistry',
  RegionId: 'regionId',
  RepoId: 'repoId',
  RepoName: 'repoName',
  RepoNamespace: 'repoNamespace',
  Tag: 'tag',
  TagUrl: 'tagUrl',
} as const
const listedNames = {
  Args: 'args',
  Command: 'command',
  EnvVariables: 'env',
  Image: 'image',
  Name: 'name',
  PostStart: 'postStart',
  PreStop: 'preStop',
  ProbeType: 'probeKind',
  Spec: 'spec',
} as const
const containerNames = { ...listedNames, IsACRImage: 'isAcrImage', Storage: 'storage' } as const
const healthCheckInputNames = {
  HealthCheckFailTimes: 'failTimes',
  HealthCheckHost: 'host',
  HealthCheckInterval: 'intervalSeconds',
  HealthCheckMethod: 'method',
  HealthCheckPort: 'port',
  HealthCheckSuccTimes: 'successTimes',
  HealthCheckTimeout: 'timeoutSeconds',
  HealthCheckType: 'kind',
  HealthCheckURI: 'uri',
} as const
const healthCheckNames = {
  FailTimes: 'failTimes',
  Host: 'host',
  HttpCode: 'httpCode',
  Interval: 'intervalSeconds',
  Method: 'method',
  Port: 'port',
  SuccTimes: 'successTimes',
  Timeout: 'timeoutSeconds',
  Type: 'kind',
  Uri: 'uri',
} as const

type Names = Readonly<Record<string, string>>
/** A record with some of its keys under other names; keys without one are left out. */
type Renamed<T, N extends Names> = { [K in keyof T as K extends keyof N ? N[K] : never]: T[K] }
type Inverse<N extends Names> = { readonly [K in keyof N as N[K]]: K & string }

// Objects are spread last in this file: docs/decisions/0020 says what it costs to spread them first.
function rename<T extends object, const N extends Names>(record: T, names: N): Renamed<T, N> {
  const values = record as Record<string, unknown>
  const renamed: Record<string, unknown> = {}
  // A plain loop: this is the hottest place of CreateEdgeContainerAppVersion.
  for (const from in names) if (values[from] !== undefined) renamed[names[from] as string] = values[from]
  return renamed as Renamed<T, N>
}

function invert<const N extends Names>(names: N): Inverse<N> {
  return Object.fromEntries(Object.entries(names).map(([from, to]) => [to, from])) as unknown as Inverse<N>
}

// The same tables, from the domain to the wire.
const healthCheckViewNames = invert(healthCheckNames)
const listedViewNames = invert(listedNames)
const probeViewNames = invert(probeNames)
const containerViewNames = invert(containerNames)
const acrViewNames = invert(acrNames)

export function toHealthCheck(input: AppInput): Partial<HealthCheck> {
  const code = input.HealthCheckHttpCode?.toLowerCase() as HealthCheck['httpCode'] | undefined
  return { ...rename(input, healthCheckInputNames), ...(code && { httpCode: code }) }
}

export function toContainerDraft(input: ContainerInput): ContainerDraft {
  const probe = rename(input.ProbeContent, probeNames) satisfies ProbeSettings
  const draft = { probe, ...rename(input, containerNames) }
  return input.ACRImageInfo ? { acrImage: rename(input.ACRImageInfo, acrNames) satisfies AcrImage, ...draft } : draft
}

export function toAppView(app: ListedApp): AppView {
  return {
    AppId: app.id,
    CreateTime: toTime(app.createdAtMs),
    DomainName: app.domainName ?? '',
    GatewayType: 'l7',
    HealthCheck: rename(app.healthCheck, healthCheckViewNames),
    Name: app.name,
    QuicCid: 'false',
    Remarks: app.remarks,
    ServicePort: app.servicePort,
    Status: app.status,
    TargetPort: app.targetPort,
    UpdateTime: toTime(app.updatedAtMs),
    VersionCount: app.versionCount,
  }
}

export function toAppEntry(app: ListedApp): AppEntry {
  return { ...toAppView(app), Percentage: 100 }
}

export function toVersionView(version: Version): VersionView {
  return { Containers: version.containers.map(toContainerView), ...toVersionFields(version) }
}

export function toVersionEntry(version: Version): VersionEntry {
  const Containers = version.containers.map((container) => ({
    ProbeContent: rename(container.probe, probeViewNames),
    ...rename(container, listedViewNames),
  }))
  return { Containers, ...toVersionFields(version) }
}

function toContainerView(container: Container): VersionView['Containers'][number] {
  const ProbeContent = rename(container.probe, probeViewNames)
  const view = { ProbeContent, ...rename(container, containerViewNames) }
  return container.acrImage ? { ACRImageInfo: rename(container.acrImage, acrViewNames), ...view } : view
}

function toVersionFields(version: Version) {
  return {
    AppId: version.appId,
    CreateTime: toTime(version.createdAtMs),
    ...(version.lastPublishedAtMs !== undefined && { LastPublishTime: toTime(version.lastPublishedAtMs) }),
    Name: version.name,
    ...(version.firstPublishedAtMs !== undefined && { PublishTime: toTime(version.firstPublishedAtMs) }),
    Remarks: version.remarks,
    Status: version.status,
    UpdateTime: toTime(version.updatedAtMs),
    VersionId: version.id,
  }
}

export function toStatusView(status: EnvironmentStatus): Output<Family['GetEdgeContainerAppStatus']>['AppStatus'] {
  return {
    ...(status.baselineVersionId !== undefined && { BaseLineVersion: status.baselineVersionId }),
    DeployStatus: status.deployStatus,
    ...(status.deployedAtMs !== undefined && { DeployTime: toTime(status.deployedAtMs) }),
    ...(status.deployedVersionId !== undefined && { DeployedVersion: status.deployedVersionId }),
    ExpectPercentage: status.expectPercentage,
    FullRelease: status.isFullRelease,
    PublishEnv: status.environment,
    PublishPercentage: status.publishPercentage,
    ...(status.publishStatus !== undefined && { PublishStatus: status.publishStatus }),
    ...(status.publishType !== undefined && { PublishType: status.publishType }),
    ...(status.publishedAtMs !== undefined && { PublishTime: toTime(status.publishedAtMs) }),
    ...(status.publishingVersionId !== undefined && { PublishingVersion: status.publishingVersionId }),
    Regions: { Region: [...status.regions] },
    ...(status.rolledBackAtMs !== undefined && { RollbackTime: toTime(status.rolledBackAtMs) }),
  }
}

export function toStagingView(status: StagingStatus): Output<Family['GetEdgeContainerStagingDeployStatus']> {
  const condition = (isMet: boolean) => (isMet ? 'ok' : 'unready')
  return {
    ContainersReady: condition(status.areContainersReady),
    ...(status.createdAtMs !== undefined && { CreationTimestamp: toTime(status.createdAtMs) }),
    Initialized: condition(status.isInitialized),
    Phase: status.phase,
    PodRestartState: {
      ...(status.lastRestartReason !== undefined && { LastTerminatedReason: status.lastRestartReason }),
      RestartCount: status.restarts,
    },
    Ready: condition(status.isReady),
    Scheduled: condition(status.isScheduled),
    VIPs: [...status.addresses],
  }
}

interface ListInput {
  readonly OrderKey?: string
  readonly OrderType?: string
  readonly PageNumber?: number
  readonly PageSize?: number
  readonly SearchKey?: string
  readonly SearchType?: string
}

/** Newest first unless something else is asked for; names without a direction ascend. */
export function toListing(input: ListInput): Listing {
  const by = orderOf(input.OrderKey)
  const direction = input.OrderType?.toLowerCase() ?? (by === 'name' ? 'asc' : 'desc')
  const field = input.SearchType && (input.SearchType.toLowerCase() === 'name' ? 'name' : 'id')
  return {
    page: input.PageNumber ?? 1,
    pageSize: input.PageSize ?? 20,
    order: { by, direction: direction === 'asc' ? 'asc' : 'desc' },
    ...(input.SearchKey && { search: { text: input.SearchKey, ...(field && { field }) } }),
  }
}

/** OrderKey in any letter case; without it a list is sorted by creation. */
export function orderOf(key = 'CreateTime'): Listing['order']['by'] {
  const words = { name: 'name', createtime: 'created', updatetime: 'updated', modifytime: 'updated' } as const
  return words[key.toLowerCase() as keyof typeof words]
}

/** UTC to the second, as every time of this family. */
export function toTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}
