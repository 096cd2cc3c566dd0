// What nodes say of their workloads' use, against a real store in memory.
import type { WorkloadSample } from '@littoral/contract/node/sample'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type TestContext, testContext, testPrincipal } from '../operations/test-context.ts'
import { db } from '../store/db.ts'
import * as nodes from '../store/nodes.ts'
import { SampleIntake } from './sample-intake.ts'
import { testFacts } from './test-node.ts'

let context: TestContext
let intake: SampleIntake
beforeEach(async () => {
  context = await testContext()
  intake = new SampleIntake(context)
  const numbers = { isOnline: true, generation: 0, acceptedGeneration: 0, createdAtMs: 0 }
  const node = { id: 'node-a', accountId: testPrincipal.accountId, ...testFacts, facts: testFacts, pinned: {}, secretHash: 'x' }
  await context.store.write(async (tx) => nodes.insert(tx, { ...node, ...numbers }))
})
afterEach(() => context.close())

const sample = (key: string, memoryBytes: number): WorkloadSample => ({
  ...{ key, atMs: 1, isReady: true, cpuMicros: 1, memoryBytes },
  ...{ readBytesPerSecond: 0, writtenBytesPerSecond: 0 },
})

async function stored(): Promise<string[]> {
  await intake.stop()
  const rows = await context.store.read((tx) => tx.all(db.selectFrom('samples').selectAll().orderBy('at_ms').orderBy('key')))
  return rows.map((row) => `${row.at_ms - start} ${row.key} ${row.memory_bytes}`)
}
let start = 0
beforeEach(() => void (start = context.now()))

it('a workload that a node does not repeat counts again with what was said of it last', async () => {
  intake.take('node-a', [sample('app/1/prod', 1), sample('app/2/prod', 2)])
  context.clock.advance(1000)
  intake.take('node-a', [sample('app/2/prod', 20)], true)
  context.clock.advance(1000)
  intake.take('node-a', [], true)
  context.clock.advance(1000)
  intake.take('node-a', [sample('app/1/prod', 10)])
  expect(await stored()).toEqual([
    ...['0 app/1/prod 1', '0 app/2/prod 2', '1000 app/1/prod 1', '1000 app/2/prod 20'],
    ...['2000 app/1/prod 1', '2000 app/2/prod 20', '3000 app/1/prod 10'],
  ])
})

it('nothing of an earlier connection is repeated', async () => {
  intake.take('node-a', [sample('app/1/prod', 1)])
  intake.forget('node-a')
  context.clock.advance(1000)
  intake.take('node-a', [], true)
  expect(await stored()).toEqual(['0 app/1/prod 1'])
})
