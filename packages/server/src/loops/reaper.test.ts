// What the reaper removes, and what it keeps.
import { expect, it } from 'vitest'
import { testContext, testPrincipal } from '../operations/test-context.ts'
import * as audit from '../store/audit.ts'
import * as joinTokens from '../store/join-tokens.ts'
import { reaper } from './reaper.ts'

it('removes join tokens a day after they ran out, and no others', async () => {
  const context = await testContext()
  const day = 24 * 3600 * 1000
  const token = (id: string, expiresAtMs: number) =>
    context.store.write(async (tx) =>
      joinTokens.insert(tx, { id, accountId: testPrincipal.accountId, tokenHash: id, maxUses: 1, uses: 0, expiresAtMs, createdAtMs: 0 }),
    )
  await token('old', context.now() - day - 1)
  await token('recent', context.now() - day)
  const pass = () => reaper.pass(context, new AbortController().signal)
  expect([await pass(), await pass()]).toEqual([1, 0])
  const left = await context.store.read(async (tx) => [
    await joinTokens.findByHash(tx, 'old'),
    (await joinTokens.findByHash(tx, 'recent'))?.id,
  ])
  expect(left).toEqual([undefined, 'recent'])
  await context.close()
})

it('removes audit rows that are older than is asked for, of every account and however many, and no others', async () => {
  const context = await testContext()
  const { auditKeptMs } = context.settings
  const rows = [
    ...Array.from({ length: 5001 }, (_, index) => ({ id: `old-${index}`, accountId: '1', atMs: context.now() - auditKeptMs - 1 })),
    { id: 'old too', accountId: '2', atMs: 0 },
    { id: 'recent', accountId: '1', atMs: context.now() - auditKeptMs },
  ]
  await context.store.write(async (tx) => {
    for (const row of rows) audit.auditRow(tx, { ...row, actor: 'key', action: 'Write', outcome: 'ok', detail: {} })
  })
  await reaper.pass(context, new AbortController().signal)
  const listed = (accountId: string) =>
    context.store.read((tx) => audit.list(tx, { accountId, beforeMs: Number.MAX_SAFE_INTEGER, limit: 10 }))
  expect([(await listed('1')).map(({ id }) => id), await listed('2')]).toEqual([['recent'], []])
  await context.close()
})
