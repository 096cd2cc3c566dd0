// A process that writes as fast as it can and says what was acknowledged, until kill.test.ts kills it. One line per
// acknowledged write goes to standard output at once, so that nothing that was said is lost with the process.
import { writeSync } from 'node:fs'
import { auditRow } from '../../packages/server/src/store/audit.ts'
import { db } from '../../packages/server/src/store/db.ts'
import { openStore } from '../../packages/server/src/store/open.ts'

const [file = '', life = '0', driver = ''] = process.argv.slice(2)
const writersAtOnce = 16

const store = await openStore({ file, driver })

async function write(id: string): Promise<void> {
  await store.write(async (tx) => {
    const last = await tx.peek(db.selectFrom('installation').select('value').where('name', '=', 'last'))
    tx.run(db.insertInto('installation').values({ name: id, value: last?.value ?? 'x'.repeat(2000) }))
    auditRow(tx, { id, accountId: '1', actor: 'storm', action: 'Write', atMs: Date.now(), outcome: 'ok', detail: {} })
  })
  writeSync(1, `${id}\n`)
}

async function writeForever(writer: number): Promise<never> {
  for (let count = 0; ; count += 1) await write(`${life}-${writer}-${count}`)
}

await Promise.all(Array.from({ length: writersAtOnce }, (_, writer) => writeForever(writer)))
