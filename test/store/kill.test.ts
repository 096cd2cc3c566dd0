// Kills a process in the middle of a write storm, again and again on the same database: nothing that was acknowledged
// may be missing, no write may be there by half, and the store must open every time. LITTORAL_KILL_ROUNDS sets how often.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { db } from '../../packages/server/src/store/db.ts'
import { openSqliteStore } from '../../packages/server/src/store/sqlite/open.ts'
import { openReader, openWriter, pragma } from '../../packages/server/src/store/sqlite/connection.ts'
import { loadDriver } from '../../packages/server/src/store/sqlite/driver.ts'

const rounds = Number(process.env['LITTORAL_KILL_ROUNDS'] ?? 10)
const storm = fileURLToPath(new URL('./write-storm.ts', import.meta.url))

let folder: string
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'littoral-kill-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Lets a storm rage for a moment after its first answer, kills it, and gives back what it had acknowledged. */
async function killMidway(file: string, life: number, driver: string): Promise<string[]> {
  const child = spawn(process.execPath, ['--import', 'tsx', '--conditions=littoral:source', storm, file, String(life), driver], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (said === '') setTimeout(() => child.kill('SIGKILL'), Math.random() * 150)
    said += text
  })
  await once(child, 'close')
  expect(child.signalCode).toBe('SIGKILL')
  // The last line may have been cut off in the middle.
  return said.split('\n').slice(0, -1)
}

async function check(file: string, driver: string, acknowledged: readonly string[]): Promise<void> {
  const store = await openSqliteStore({ file, driver })
  const stored = await store.read((tx) => tx.all(db.selectFrom('installation').select('name')))
  const audited = await store.read((tx) => tx.all(db.selectFrom('audit').select('id')))
  await store.close()
  const names = new Set(stored.map((row) => row.name))
  expect(acknowledged.filter((id) => !names.has(id))).toEqual([])
  expect(audited.map((row) => row.id).sort()).toEqual([...names].sort())
  const connection = openReader(loadDriver(driver), file)
  expect(pragma(connection.database, 'integrity_check')).toBe('ok')
  connection.close()
  const writer = openWriter(loadDriver(driver), file)
  expect(pragma(writer.database, 'synchronous')).toBe(2)
  writer.close()
}

for (const driver of ['better-sqlite3', 'libsql']) {
  const driverRounds = driver === 'libsql' ? Math.ceil(rounds / 3) : rounds
  test(
    `loses no acknowledged write over ${driverRounds} kills, with ${driver}`,
    async () => {
      const file = path.join(folder, driver, 'littoral.db')
      const acknowledged: string[] = []
      for (let life = 0; life < driverRounds; life += 1) {
        const said = await killMidway(file, life, driver)
        expect(said.length).toBeGreaterThan(0)
        acknowledged.push(...said)
        await check(file, driver, acknowledged)
      }
    },
    driverRounds * 30_000,
  )
}
