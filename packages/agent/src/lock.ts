// One agent per data folder: two would end each other's drivers and overwrite each other's state.
import { link, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { diskReason, hasCode, readIfPresent, statFields } from './files.ts'

/** Takes the folder; returns the release. Throws an Error that names the process which has it. */
export async function lockFolder(dataDir: string): Promise<() => Promise<void>> {
  const path = join(dataDir, 'agent.pid')
  // Whole before it has its name: a lock that another agent finds empty would not count.
  const own = `${path}.${process.pid}.tmp`
  try {
    await writeFile(own, `${process.pid} ${startOf(process.pid) ?? ''}`, { mode: 0o600 })
    for (;;) {
      try {
        await link(own, path)
        return () => rm(path, { force: true })
      } catch (error) {
        if (!hasCode(error, 'EEXIST')) throw error
      }
      await refuseOthers(path, dataDir)
      await rm(path, { force: true })
    }
  } catch (error) {
    // A disk that takes nothing is no reason to leave what should run alone.
    if (diskReason(error) === undefined) throw error
    await refuseOthers(path, dataDir)
    return await lockWithoutDisk(dataDir)
  } finally {
    await rm(own, { force: true }).catch(() => {})
  }
}

async function refuseOthers(path: string, dataDir: string): Promise<void> {
  const [pid = '', start = ''] = ((await readIfPresent(path)) ?? '').split(' ')
  if (isAlive(Number(pid), start)) throw new Error(`another agent (process ${pid}) uses the folder ${dataDir}`)
}

/** A name of the kernel's that only one process can have, and that goes with it. */
async function lockWithoutDisk(dataDir: string): Promise<() => Promise<void>> {
  const { dev, ino } = await stat(dataDir)
  if (process.platform !== 'linux') return () => Promise.resolve()
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', () => reject(new Error(`another agent uses the folder ${dataDir}`)))
    server.listen(`\0littoral-agent-${dev}-${ino}`, resolve)
  })
  server.unref()
  return () => new Promise((resolve) => server.close(() => resolve()))
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
  return statFields(pid)?.[19]
}
