// What the reaper removes, and what it keeps.
import { expect, it } from 'vitest'
import { testContext, testPrincipal } from '../operations/test-context.ts'
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
