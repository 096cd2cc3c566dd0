// The last lines of a driver on the local node, read from the log that the agent keeps for it on disk: the API has no
// operation for a driver's log.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../journey/wait.ts'

const timeoutMs = 20_000

/** Reads below the agent's data folder; waits until the driver has written a line of readings. */
export function driverLines(agentFolder: string): (instanceId: string, driverId: string) => Promise<string[]> {
  // Lines of an earlier start are no sign of life.
  const sinceMs = Date.now()
  return (_instanceId, driverId) =>
    until('the first line of the driver', timeoutMs, () => {
      const lines = findLogs(agentFolder, driverId, sinceMs).flatMap((path) => readFileSync(path, 'utf8').trim().split('\n'))
      return lines.some((line) => line.includes('reading')) ? lines : undefined
    })
}

function findLogs(agentFolder: string, driverId: string, sinceMs: number): string[] {
  if (!existsSync(agentFolder)) return []
  const paths = readdirSync(agentFolder, { recursive: true, encoding: 'utf8' })
  const logs = paths.filter((path) => path.includes(driverId) && path.endsWith('current.log'))
  return logs.map((path) => join(agentFolder, path)).filter((path) => statSync(path).mtimeMs >= sinceMs)
}
