// The edge container family of product ESA: every operation there is, by name.
import type { Family } from '../operation.ts'
import { GetEdgeContainer, OpenEdgeContainer } from './activation.ts'
import * as apps from './apps.ts'
import * as imageSecrets from './image-secrets.ts'
import { GetEdgeContainerAppLogRiver, UpdateEdgeContainerAppLogRiver } from './log-river.ts'
import { GetEdgeContainerLogs } from './logs.ts'
import * as releases from './releases.ts'
import * as records from './records.ts'
import { GetEdgeContainerAppResourceReserve, UpdateEdgeContainerAppResourceReserve } from './reservations.ts'
import * as resources from './resources.ts'
import * as siteSettings from './site-settings.ts'
import * as siteTags from './site-tags.ts'
import * as sites from './sites.ts'
import { DescribeEdgeContainerAppStats } from './stats.ts'
import { GetEdgeContainerTerminal } from './terminal.ts'
import * as versions from './versions.ts'

export const operations = {
  CreateEdgeContainerApp: apps.CreateEdgeContainerApp,
  GetEdgeContainerApp: apps.GetEdgeContainerApp,
  ListEdgeContainerApps: apps.ListEdgeContainerApps,
  DeleteEdgeContainerApp: apps.DeleteEdgeContainerApp,
  CreateEdgeContainerAppVersion: versions.CreateEdgeContainerAppVersion,
  GetEdgeContainerAppVersion: versions.GetEdgeContainerAppVersion,
  ListEdgeContainerAppVersions: versions.ListEdgeContainerAppVersions,
  DeleteEdgeContainerAppVersion: versions.DeleteEdgeContainerAppVersion,
  PublishEdgeContainerAppVersion: releases.PublishEdgeContainerAppVersion,
  RollbackEdgeContainerAppVersion: releases.RollbackEdgeContainerAppVersion,
  RebuildEdgeContainerAppStagingEnv: releases.RebuildEdgeContainerAppStagingEnv,
  GetEdgeContainerAppStatus: releases.GetEdgeContainerAppStatus,
  GetEdgeContainerStagingDeployStatus: releases.GetEdgeContainerStagingDeployStatus,
  GetEdgeContainerLogs,
  CreateEdgeContainerAppRecord: records.CreateEdgeContainerAppRecord,
  DeleteEdgeContainerAppRecord: records.DeleteEdgeContainerAppRecord,
  ListEdgeContainerAppRecords: records.ListEdgeContainerAppRecords,
  ListEdgeContainerRecords: records.ListEdgeContainerRecords,
  CreateEdgeContainerAppImageSecret: imageSecrets.CreateEdgeContainerAppImageSecret,
  ListEdgeContainerAppImageSecrets: imageSecrets.ListEdgeContainerAppImageSecrets,
  DeleteEdgeContainerAppImageSecret: imageSecrets.DeleteEdgeContainerAppImageSecret,
  GetEdgeContainerAppResourceReserve,
  UpdateEdgeContainerAppResourceReserve,
  GetEdgeContainerAppResourceCapacity: resources.GetEdgeContainerAppResourceCapacity,
  GetEdgeContainerAppResourceStatus: resources.GetEdgeContainerAppResourceStatus,
  GetEdgeContainerDeployRegions: resources.GetEdgeContainerDeployRegions,
  GetEdgeContainerAppLogRiver,
  UpdateEdgeContainerAppLogRiver,
  OpenEdgeContainer,
  GetEdgeContainer,
  CreateSite: sites.CreateSite,
  GetSite: sites.GetSite,
  ListSites: sites.ListSites,
  DeleteSite: sites.DeleteSite,
  UpdateSiteCoverage: sites.UpdateSiteCoverage,
  GetManagedTransform: siteSettings.GetManagedTransform,
  UpdateManagedTransform: siteSettings.UpdateManagedTransform,
  GetIPv6: siteSettings.GetIPv6,
  UpdateIPv6: siteSettings.UpdateIPv6,
  GetTieredCache: siteSettings.GetTieredCache,
  UpdateTieredCache: siteSettings.UpdateTieredCache,
  ListTagResources: siteTags.ListTagResources,
  TagResources: siteTags.TagResources,
  UntagResources: siteTags.UntagResources,
  GetEdgeContainerTerminal,
  DescribeEdgeContainerAppStats,
} as const

export const family = {
  product: 'esa',
  version: '2024-09-10',
  title: 'Edge containers',
  envelope: 'plain',
  invalid: 'InvalidParameter',
  operations,
} as const satisfies Family
