// What an earlier `npm start` made in this data folder, so that the next one finds it again instead of making it anew.
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Memory {
  gateway?: { productKey: string; deviceName: string; deviceSecret: string; iotId: string }
  app?: { appId: string; servicePort: number }
  driver?: { driverId: string; instanceId: string }
}

export function readMemory(folder: string): Memory {
  try {
    return JSON.parse(readFileSync(join(folder, 'sample.json'), 'utf8')) as Memory
  } catch {
    return {}
  }
}

export function writeMemory(folder: string, memory: Memory): void {
  const path = join(folder, 'sample.json')
  writeFileSync(`${path}.new`, `${JSON.stringify(memory, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}
