// Littoral's own family: what the vendor's families cannot say. Same shape as they have.
import type { Family } from '../operation.ts'
import { GetVersionImages } from './images.ts'
import { OpenLogStream, ReadLogs } from './logs.ts'
import { CreateNodeToken, GetNode, ListNodes } from './nodes.ts'
import * as policies from './release-policies.ts'
import * as releases from './releases.ts'
import { OpenTerminal } from './terminals.ts'

export const operations = {
  CreateNodeToken,
  ListNodes,
  GetNode,
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
}

export const family = {
  product: 'littoral',
  version: '2026-12-01',
  title: 'Littoral',
  envelope: 'plain',
  invalid: 'Node.InvalidParameter',
  operations,
} as const satisfies Family
