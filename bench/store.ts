// The store alone: durable writes a second through the whole of store.write, with a 4 KB body, an audit row and a nonce,
// against one transaction per request and against the raw flushes of the disk.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { auditRow } from '../packages/server/src/store/audit.ts'
import { db } from '../packages/server/src/store/db.ts'
import { openNonces } from '../packages/server/src/store/nonces.ts'
import { prepared } from '../packages/server/src/store/prepared.ts'
import { openSqliteStore } from '../packages/server/src/store/sqlite/open.ts'
import { median, spread, type Line } from './report.ts'

interface StorePace {
  readonly rounds: number
  readonly warmUpMs: number
  readonly countMs: number
}

const body = 'x'.repeat(4096)
const find = prepared((row: { name: string }) => db.selectFrom('installation').select('name').where('name', '=', row.name))
const insert = prepared((row: { name: string }) => db.insertInto('installation').values({ name: row.name, value: body }))

/** Writes a second, and CPU per write of both threads. */
async function run(pace: StorePace, { atOnce, groupLimit }: { atOnce: number; groupLimit?: number }) {
  const folder = mkdtempSync(join(tmpdir(), 'littoral-bench-'))
  const store = await openSqliteStore({ file: join(folder, 'littoral.db'), ...(groupLimit ? { groupLimit } : {}) })
  const nonces = await openNonces(store)
  let count = 0
  let isOver = false
  const write = async (): Promise<void> => {
    for (; !isOver;) {
      count += 1
      const name = `row-${count}`
      await nonces.claim('bench', name, Date.now() + 900_000)
      await store.write(async (tx) => {
        if (await tx.first(find({ name }))) return
        tx.run(insert({ name }), { unique: { name: 'InternalError' } })
        auditRow(tx, { id: name, accountId: '1', actor: 'bench', action: 'Write', atMs: Date.now(), outcome: 'ok', detail: {} })
      })
    }
  }
  const writers = Array.from({ length: atOnce }, write)
  await sleep(pace.warmUpMs)
  const from = { count, at: performance.now(), cpu: process.cpuUsage() }
  await sleep(pace.countMs)
  const written = count - from.count
  const perSecond = (written / (performance.now() - from.at)) * 1000
  const { user, system } = process.cpuUsage(from.cpu)
  isOver = true
  await Promise.all(writers)
  await nonces.close()
  await store.close()
  rmSync(folder, { recursive: true, force: true })
  return { perSecond, cpuMicros: (user + system) / written }
}

export async function benchStore(pace: StorePace, flushes: number): Promise<Line[]> {
  const lines: Line[] = []
  for (const atOnce of [1, 32, 128]) {
    const grouped: number[] = []
    const ratios: number[] = []
    const cpu: number[] = []
    for (let round = 0; round < pace.rounds; round += 1) {
      const single = await run(pace, { atOnce, groupLimit: 1 })
      const group = await run(pace, { atOnce })
      grouped.push(group.perSecond)
      cpu.push(group.cpuMicros)
      ratios.push(group.perSecond / single.perSecond)
    }
    const measured = `${spread(grouped, 0)}/s, ${median(cpu).toFixed(0)} µs CPU, ${(median(grouped) / flushes).toFixed(2)} per raw flush`
    const goal = atOnce === 32 ? { goal: { kind: 'at least' as const, value: 3 } } : {}
    lines.push({ name: `store alone, ${atOnce} at once, to one transaction each`, measured, value: median(ratios), ...goal })
  }
  return lines
}
