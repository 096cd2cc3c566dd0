// Littoral's own family: what the vendor's families cannot say. Same shape as they have.
import type { Family } from '../operation.ts'
import { GetVersionImages } from './images.ts'
import { GetIncident, ListIncidents } from './incidents.ts'
import { OpenLogStream, ReadLogs } from './logs.ts'
import { CreateNodeToken, DeleteNode, GetNode, ListNodes, RetryWorkload } from './nodes.ts'
import * as policies from './release-policies.ts'
import * as releases from './releases.ts'
import { OpenTerminal } from './terminals.ts'
import * as upgrades from './upgrades.ts'

export const operations = {
  CreateNodeToken,
  ListNodes,
  GetNode,
  DeleteNode,
  RetryWorkload,
  ListIncidents,
  GetIncident,
  GetRelease: releases.GetRelease,
  ListReleases: releases.ListReleases,
  PauseRelease: releases.PauseRelease,
  ResumeRelease: releases.ResumeRelease,
  PlanRelease: releases.PlanRelease,
  ExplainNode: releases.ExplainNode,
  SetReleasePolicy: policies.SetReleasePolicy,
  GetReleasePolicy: policies.GetReleasePolicy,
  ReadLogs,
  OpenLogStream,
  OpenTerminal,
  GetVersionImages,
  ListAgentBundles: upgrades.ListAgentBundles,
  UpgradeNodes: upgrades.UpgradeNodes,
  GetUpgrade: upgrades.GetUpgrade,
  StopUpgrade: upgrades.StopUpgrade,
}

export const family = {
  product: 'littoral',
  version: '2026-12-01',
  title: 'Littoral',
  envelope: 'plain',
  invalid: 'Node.InvalidParameter',
  operations,
} as const satisfies Family
