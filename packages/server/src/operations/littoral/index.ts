// The handlers of Littoral's own family; http/registry.ts pairs them with the family's declarations.
import type { operations } from '@littoral/contract/littoral/index'
import type { Handlers } from '@littoral/contract/operation'
import type { Context } from '../context.ts'
import { imageHandlers } from './images.ts'
import { incidentHandlers } from './incidents.ts'
import { logHandlers } from './logs.ts'
import { nodeHandlers } from './nodes.ts'
import { policyHandlers } from './release-policies.ts'
import { releaseHandlers } from './releases.ts'
import { terminalHandlers } from './terminals.ts'
import { upgradeHandlers } from './upgrades.ts'

export const handlers = {
  ...nodeHandlers,
  ...logHandlers,
  ...terminalHandlers,
  ...imageHandlers,
  ...incidentHandlers,
  ...releaseHandlers,
  ...policyHandlers,
  ...upgradeHandlers,
} satisfies Handlers<typeof operations, Context>
