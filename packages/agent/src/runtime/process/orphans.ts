// Drivers that outlived a crash of the agent. They are recognised by the variable every driver is started with, which also
// holds for what they started themselves and cannot be confused by a reused process id. They are ended before anything
// else: a driver owns its device, and a second one beside it would fight over it.
import { closeSync, openSync, readSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

/** Carries the folder of the instances of one agent, so that agents on one machine leave each other's drivers alone. */
export const ownerVariable = 'LITTORAL_DRIVER_OWNER'

const pollMs = 50
/** A variable alone may have 128 KiB; ours is among the last that a driver is given, so all of it is read. */
const longestEnvironment = 2 * 1024 * 1024

/** Ends every process this owner's drivers left behind; how many there were. */
export async function endOrphans(owner: string, graceMs: number): Promise<number> {
  const orphans = await findOrphans(owner)
  for (const pid of orphans) signal(pid, 'SIGTERM')
  const deadline = performance.now() + graceMs
  let left = orphans
  while (left.length > 0 && performance.now() < deadline) {
    await delay(pollMs)
    left = await stillOwned(left, owner)
  }
  for (const pid of left) signal(pid, 'SIGKILL')
  return orphans.length
}

/** Ids of the owner's processes; none where the system has no /proc, such as macOS. */
export async function findOrphans(owner: string): Promise<number[]> {
  const names = await readdir('/proc').catch(() => [])
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number)
  return stillOwned(pids, owner)
}

async function stillOwned(pids: readonly number[], owner: string): Promise<number[]> {
  const owned: number[] = []
  const wanted = Buffer.from(`${ownerVariable}=${owner}\0`)
  // One buffer for all: a machine has hundreds of processes, and what is thrown away here stays with the agent as memory.
  const buffer = Buffer.allocUnsafe(longestEnvironment)
  for (const pid of pids) {
    if (pid === process.pid) continue
    if (readEnvironment(pid, buffer).includes(wanted)) owned.push(pid)
  }
  return owned
}

/** What the process was started with; nothing for one that is gone or somebody else's. */
function readEnvironment(pid: number, buffer: Buffer): Buffer {
  try {
    const file = openSync(`/proc/${pid}/environ`, 'r')
    try {
      let length = 0
      for (let read = -1; read !== 0 && length < buffer.length; length += read)
        read = readSync(file, buffer, length, buffer.length - length, null)
      return buffer.subarray(0, length)
    } finally {
      closeSync(file)
    }
  } catch {
    return buffer.subarray(0, 0)
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It is gone already.
  }
}
