// Every handler of the edge container family.
import type { operations } from '@littoral/contract/edge-container/index'
import type { Handlers } from '@littoral/contract/operation'
import type { Context } from '../context.ts'
import { activationHandlers } from './activation.ts'
import { appHandlers } from './apps.ts'
import { imageSecretHandlers } from './image-secrets.ts'
import { logRiverHandlers } from './log-river.ts'
import { logHandlers } from './logs.ts'
import { recordHandlers } from './records.ts'
import { releaseHandlers } from './releases.ts'
import { reservationHandlers } from './reservations.ts'
import { resourceHandlers } from './resources.ts'
import { siteSettingHandlers } from './site-settings.ts'
import { siteTagHandlers } from './site-tags.ts'
import { siteHandlers } from './sites.ts'
import { statsHandlers } from './stats.ts'
import { terminalHandlers } from './terminal.ts'
import { versionHandlers } from './versions.ts'

export const handlers = {
  ...appHandlers,
  ...versionHandlers,
  ...releaseHandlers,
  ...logHandlers,
  ...recordHandlers,
  ...imageSecretHandlers,
  ...reservationHandlers,
  ...resourceHandlers,
  ...logRiverHandlers,
  ...activationHandlers,
  ...siteHandlers,
  ...siteSettingHandlers,
  ...siteTagHandlers,
  ...terminalHandlers,
  ...statsHandlers,
} satisfies Handlers<typeof operations, Context>
