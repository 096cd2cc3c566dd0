// The command line that starts a driver within its bounds: first into its control group, then to its view of the files, then
// to its user, then the driver itself, each replacing the one before, so that the driver's process never was anything else. Pure.

export const setprivProgram = '/usr/bin/setpriv'

export interface Bounds {
  /** Absent: the agent's own user. */
  readonly user?: { readonly uid: number; readonly groups: readonly number[] }
  /** `cgroup.procs` of the groups to join. */
  readonly joins: readonly string[]
}

const joinScript = 'while [ "$1" != -- ]; do echo $$ >"$1" || exit 125; shift; done; shift; exec "$@"'

/** `enclose` needs what only the agent's own user may do, so it comes before the driver's user. */
export function launchLine(
  command: readonly string[],
  { user, joins, enclose }: Bounds & { enclose?: ((line: readonly string[]) => string[]) | undefined },
): string[] {
  const own = user === undefined ? [...command] : asUser(command, user)
  const line = enclose?.(own) ?? own
  return joins.length === 0 ? line : ['/bin/sh', '-c', joinScript, 'littoral-launch', ...joins, '--', ...line]
}

/** Without any way back: no capabilities, and none to be had from programs that give some. */
export function asUser(command: readonly string[], { uid, groups }: NonNullable<Bounds['user']>): string[] {
  const inGroups = groups.length === 0 ? ['--clear-groups'] : ['--groups', groups.join(',')]
  return [
    ...[setprivProgram, '--reuid', String(uid), '--regid', String(uid), ...inGroups],
    ...['--no-new-privs', '--inh-caps=-all', '--bounding-set=-all', '--', ...command],
  ]
}
