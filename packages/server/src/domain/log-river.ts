// What is collected from the containers of an application (contract: esa-edge-container §6.4). Pure.
import { Fault } from '@littoral/contract/errors'

export interface LogRiver {
  readonly isStdout: boolean
  /** Absolute, with * and ? as wildcards; empty for none. */
  readonly path: string
}

export const noLogRiver: LogRiver = { isStdout: false, path: '' }

/** What is left out stays. Throws InvalidParameter for a path that cannot be followed. */
export function changedLogRiver(before: LogRiver, change: Partial<LogRiver>): LogRiver {
  if (change.path) requirePath(change.path)
  return { ...before, ...change }
}

function requirePath(path: string): void {
  const isRight = path.startsWith('/') && !path.split('/').includes('..') && !/\p{Cc}/u.test(path) && !path.endsWith('/')
  if (!isRight) throw new Fault('InvalidParameter', { Detail: 'Path: an absolute path of files such as /app/logs/*.log, without `..`.' })
}
