// The command line that starts a driver within its bounds: first to its view of the files and into its control groups, then to
// its user, then the driver itself, each replacing the one before, so that the driver's process never was anything else. One
// shell does what needs one: with thirty drivers that start at once every program in between counts. Pure.
import { joinWords, lastWords, type LocalPlace } from '../../packages/local-door.ts'

export const setprivProgram = '/usr/bin/setpriv'

export interface Bounds {
  /** Absent: the agent's own user. */
  readonly user?: { readonly uid: number; readonly groups: readonly number[] }
  /** Files of the groups to join; a process writes 0 into them, which stands for itself. */
  readonly joins: readonly string[]
}

export interface LaunchOptions extends Bounds {
  readonly enclose?: LocalPlace['enclose'] | undefined
  /** It goes on to the driver when it has read a line, so that all before that can be done while the driver's code is fetched. */
  readonly isWaiting?: boolean
}

/** `enclose` and the groups need what only the agent's own user may do, so they come before the driver's user. */
export function launchLine(command: readonly string[], { user, joins, enclose, isWaiting = false }: LaunchOptions): string[] {
  const own = user === undefined ? [...command] : asUser(command, user)
  if (enclose !== undefined) return enclose(own, { joins, isWaiting })
  if (joins.length === 0 && !isWaiting) return own
  return ['/bin/sh', '-c', `${joinWords}${lastWords(isWaiting)}`, 'littoral-launch', ...joins, '--', ...own]
}

/** Without any way back: no capabilities, and none to be had from programs that give some. */
export function asUser(command: readonly string[], { uid, groups }: NonNullable<Bounds['user']>): string[] {
  const inGroups = groups.length === 0 ? ['--clear-groups'] : ['--groups', groups.join(',')]
  return [
    ...[setprivProgram, '--reuid', String(uid), '--regid', String(uid), ...inGroups],
    ...['--no-new-privs', '--inh-caps=-all', '--bounding-set=-all', '--', ...command],
  ]
}
