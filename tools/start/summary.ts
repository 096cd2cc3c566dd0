// The last thing `npm start` shows: where everything is, and what to try next.
import { join, relative } from 'node:path'
import type { Key } from '../official-clients.ts'
import type { AppOutcome } from './sample-app.ts'
import type { DriverOutcome } from './sample-driver-part.ts'
import type { Screen } from './screen.ts'

export interface Summary {
  readonly url: string
  readonly key: Key
  readonly keyPath: string
  readonly dataFolder: string
  readonly nodeId: string
  readonly app: AppOutcome | undefined
  readonly driver: DriverOutcome | undefined
  readonly problems: readonly string[]
  /** Everything is about to be removed, so there is nothing to try. */
  readonly isOnce: boolean
}

const shownLines = 3

export function printSummary(screen: Screen, summary: Summary): void {
  const { url, key, app, driver } = summary
  screen.heading(summary.problems.length === 0 ? 'Everything runs.' : 'Not everything runs.')
  for (const problem of summary.problems) screen.line(`  problem       ${problem}`)
  screen.line(`  status page   ${url}/console  (sign in with the access key)`)
  screen.line(`  endpoint      ${url}  (put it where your SDK names the vendor's endpoint)`)
  if (app) screen.line(`  app           ${app.address} answers "${app.answer.trim()}"`)
  for (const [index, line] of (driver?.lines ?? []).slice(-shownLines).entries())
    screen.line(`  ${index === 0 ? 'driver       ' : '             '} ${line}`)
  screen.line(`  access key    ${key.accessKeyId}, its secret in ${summary.keyPath}`)
  screen.line(`  logs          ${join(summary.dataFolder, 'logs')}`)
  if (summary.isOnce) return
  screen.heading('Try next')
  // The command line looks into .littoral by itself.
  const where = relative(process.cwd(), summary.dataFolder) === '.littoral' ? '' : ` --data ${summary.dataFolder}`
  screen.line(`  bin/littoral call ListNodes${where}`)
  if (app) screen.line(`  bin/littoral call GetEdgeContainerAppStatus --AppId ${app.appId} --PublishEnv prod${where}`)
  screen.line('  README.md: the same with your own SDK, the vendor CLI or Terraform')
}
