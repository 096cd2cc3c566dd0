// What lies on disk of one instance of a driver: made, read and written here for instance.ts, which says what is what.
import { chmodSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { DriverWorkload } from '@littoral/contract/node/desired-state'
import { readIfPresent, writeAtomically } from '../../files.ts'
import { copyOf, seal, unseal } from '../../kept.ts'
import { configFileName } from '../../packages/driver-packages.ts'
import { runDigest } from '../runtime.ts'

const recordName = 'instance.json'
/** The config as the agent keeps it; the driver cannot reach this file. */
export const keptConfigName = 'config.json'

/** As kept on disk; the config is left out, because it lies in the driver's folder. */
export interface InstanceRecord {
  readonly instanceId: string
  readonly createdAtMs: number
  readonly workload: Omit<DriverWorkload, 'config'>
  readonly runDigest: string
  readonly restarts: number
  readonly lastRestartReason?: string
}

/**
 * Makes the folder of a new instance, as yet without its record: should the power fail before everything is on the disk, the next
 * agent takes the folder for half-made. DriverInstance.keep() adds it when the driver has long been started.
 */
export function openInstanceFolder(folder: string, codeFolder: string): void {
  mkdirSync(codeFolder, { recursive: true, mode: 0o755 })
  chmodSync(folder, 0o711)
}

export function keepConfig(folder: string, config: string): void {
  writeFileSync(join(folder, keptConfigName), config, { mode: 0o600 })
}

/** Instances made by an earlier release have their config in the driver's folder only; there it must be no link. */
export async function readConfig(folder: string, codeFolder: string): Promise<string> {
  const kept = join(folder, keptConfigName)
  if (existsSync(kept)) return readFileSync(kept, 'utf8')
  const file = await open(join(codeFolder, configFileName), constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

export function newRecord(instanceId: string, workload: DriverWorkload, createdAtMs: number): InstanceRecord {
  return { instanceId, createdAtMs, workload: withoutConfig(workload), runDigest: runDigest(workload), restarts: 0 }
}

/** The record of an instance's folder, or undefined when it cannot be read. */
export async function readRecord(folder: string): Promise<InstanceRecord | undefined> {
  for (const path of [join(folder, recordName), copyOf(join(folder, recordName))]) {
    const opened = unseal((await readIfPresent(path).catch(() => undefined)) ?? '')
    const record = opened.isValid ? (opened.value as InstanceRecord | null) : undefined
    if (typeof record?.instanceId === 'string' && typeof record.workload?.key === 'string') return record
  }
  return undefined
}

/** Twice, so that a damaged record does not cost a driver what it keeps in its folder. */
export async function writeRecord(folder: string, record: InstanceRecord): Promise<void> {
  const path = join(folder, recordName)
  const text = seal(record)
  await writeAtomically(copyOf(path), text)
  await writeAtomically(path, text)
}

export function withoutConfig({ config: _config, ...workload }: DriverWorkload): Omit<DriverWorkload, 'config'> {
  return workload
}
