// Every handler of the edge container family.
import type { operations } from '@littoral/contract/edge-container/index'
import type { Handlers } from '@littoral/contract/operation'
import type { Context } from '../context.ts'
import { appHandlers } from './apps.ts'
import { imageSecretHandlers } from './image-secrets.ts'
import { logHandlers } from './logs.ts'
import { recordHandlers } from './records.ts'
import { releaseHandlers } from './releases.ts'
import { siteHandlers } from './sites.ts'
import { versionHandlers } from './versions.ts'

export const handlers = {
  ...appHandlers,
  ...versionHandlers,
  ...releaseHandlers,
  ...logHandlers,
  ...recordHandlers,
  ...imageSecretHandlers,
  ...siteHandlers,
} satisfies Handlers<typeof operations, Context>
