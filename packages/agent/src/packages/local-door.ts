// What a gateway offers its drivers beside their devices: config, device register, service calls. local/ opens such doors, and
// whatever runs drivers puts them where drivers look for them.
export interface LocalDriver {
  /** The instance, so that a driver and its replacement have doors of their own. */
  readonly instanceId: string
  readonly driverId: string
  readonly driverName: string
  readonly runtime: string
  /** The config text the driver is to be handed; absent for a driver that is started again. */
  readonly config?: string
  /** Where the text lies as well, for an instance that was made before it had a door. */
  readonly configPath: string
  /** What lies there is out of the driver's reach and always its newest config: the door needs no copy of its own. */
  readonly isConfigKept?: boolean
  /** Of a container: the address it knows this machine by. A process has the machine's own loopback. */
  readonly reachedAt?: string
  /** Puts a line into the driver's own log, where there is a way to. */
  readonly note?: (line: string) => void
  /**
   * Of a driver that ran on while no agent was there: told when it had used its door before and does not come back to it, because
   * its library does not notice that the connection has ended. Only a new start helps it.
   */
  readonly onSilent?: () => void
}

export interface LocalPlace {
  /** The folder on this machine that has to be at `busFolder` for the driver. */
  readonly folder?: string
  /** The command line of a process that finds its door there; as root, around whatever makes it another user. Absent: no such view. */
  readonly enclose?: (line: readonly string[], way: Way) => string[]
}

/** What a process does on its way to become a driver. */
export interface Way {
  /** It writes 0 into each of these files, those of its control groups. */
  readonly joins: readonly string[]
  /** It waits for a line on `goDescriptor` before it becomes the driver. */
  readonly isWaiting: boolean
}

/** A part of the shell script of such a process: joins the groups whose files come first among its arguments, up to `--`. */
export const joinWords = 'while [ "$1" != -- ]; do echo 0 >"$1" || exit 125; shift; done; shift; '

/** The file descriptor on which a process is told to become a driver. */
export const goDescriptor = 3

/** How the shell script of such a process ends, with the driver's command line as what is left of its arguments. */
export function lastWords(isWaiting: boolean): string {
  return isWaiting ? `read -r go <&${goDescriptor} || exit 125; exec "$@" ${goDescriptor}<&-` : 'exec "$@"'
}

export interface LocalDoors {
  /** Opens the door of a driver, or leaves it open. A door that cannot be opened keeps no driver from starting. */
  open(driver: LocalDriver): Promise<LocalPlace>
  /** To be called when the driver's own files are in place. */
  configChanged(instanceId: string, config: string): Promise<void>
  close(instanceId: string): Promise<void>
}

/** Where the vendor's libraries look for the socket, whatever else they are told (contract: iot-edge §8). */
export const busFolder = '/tmp/var/run/mbusd'
export const busSocketName = 'mbusd_socket'
