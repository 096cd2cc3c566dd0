// Drivers that outlived a crash of the agent. They are recognised by the variable every driver is started with, which also
// holds for what they started themselves and cannot be confused by a reused process id. They are ended before anything
// else: a driver owns its device, and a second one beside it would fight over it.
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

/** Carries the folder of the instances of one agent, so that agents on one machine leave each other's drivers alone. */
export const ownerVariable = 'LITTORAL_DRIVER_OWNER'

const pollMs = 50

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
  for (const pid of pids) {
    if (pid === process.pid) continue
    const environment = await readFile(`/proc/${pid}/environ`).catch(() => undefined)
    if (environment?.includes(wanted)) owned.push(pid)
  }
  return owned
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It is gone already.
  }
}
