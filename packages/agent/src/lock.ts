// One agent per data folder: two would end each other's drivers and overwrite each other's state.
import { open, rm } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { hasCode, readIfPresent } from './files.ts'

/** Takes the folder; returns the release. Throws an Error that names the process which has it. */
export async function lockFolder(dataDir: string): Promise<() => Promise<void>> {
  const path = join(dataDir, 'agent.pid')
  for (;;) {
    try {
      const file = await open(path, 'wx', 0o600)
      await file.writeFile(`${process.pid} ${startOf(process.pid) ?? ''}`)
      await file.close()
      return () => rm(path, { force: true })
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error
    }
    const [pid = '', start = ''] = ((await readIfPresent(path)) ?? '').split(' ')
    if (isAlive(Number(pid), start)) throw new Error(`another agent (process ${pid}) uses the folder ${dataDir}`)
    await rm(path, { force: true })
  }
}

function isAlive(pid: number, start: string): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  const now = startOf(pid)
  // A process id is used again after a while; a start time is not.
  if (now !== undefined) return now === start
  if (process.platform === 'linux') return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return hasCode(error, 'EPERM')
  }
}

/** When a process started, in the system's own ticks; undefined when it does not exist or the system does not say. */
export function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in parentheses may contain anything, so count from its end: field 22 is the 20th after it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}
