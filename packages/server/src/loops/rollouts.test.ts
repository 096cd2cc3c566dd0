import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  addNode,
  assigned,
  call,
  createApp,
  createVersion,
  pass,
  publish,
  refusal,
  reportAll,
} from '../operations/edge-container/door.contract.ts'
import { testContext, type TestContext } from '../operations/test-context.ts'
import * as assignments from '../store/assignments.ts'
import { db } from '../store/db.ts'
import { openStore } from '../store/open.ts'
import { startLoop } from './loop.ts'
import { rollouts } from './rollouts.ts'

let context: TestContext
let AppId: string
let key: string
beforeEach(async () => {
  context = await testContext()
  AppId = await createApp(context)
  key = `app/${AppId}/prod`
})
afterEach(() => context.close())

/** The same installation, in which something else happens right before the loop's first write. */
function interrupted(between: () => Promise<unknown>): { context: TestContext; writes: () => number } {
  let writes = 0
  const { store } = context
  const write: typeof store.write = async (fn) => {
    if (++writes === 1) await between()
    return store.write(fn)
  }
  return { context: { ...context, store: { ...store, read: (fn) => store.read(fn), write } }, writes: () => writes }
}

describe('the rollouts loop', () => {
  it('drops what it planned for a release that is not the newest any more', async () => {
    const version = await createVersion(context, AppId)
    await addNode(context, 'node-a')
    await publish(context, AppId, version)
    const { context: raced } = interrupted(() => publish(context, AppId, version))
    await pass(raced)
    expect(await assigned(context, 'node-a')).toEqual({})
    await pass(context)
    expect(await assigned(context, 'node-a')).toEqual({ [key]: version })
  })

  it('drops what it planned for an application that is being deleted', async () => {
    await addNode(context, 'node-a')
    await publish(context, AppId, await createVersion(context, AppId))
    const { context: raced } = interrupted(() => call(context, 'DeleteEdgeContainerApp', { AppId }))
    await pass(raced)
    expect(await assigned(context, 'node-a')).toEqual({})
  })

  it('does not remove an application that was assigned in between', async () => {
    await addNode(context, 'node-a')
    await publish(context, AppId, await createVersion(context, AppId))
    await pass(context)
    const [assignment] = await context.store.read((tx) => assignments.listByNode(tx, 'node-a'))
    await call(context, 'DeleteEdgeContainerApp', { AppId })
    await pass(context)
    const late = () =>
      context.store.write(async (tx) => assignments.assign(tx, { nodeId: 'node-a', workload: assignment!.workload, nowMs: context.now() }))
    await pass(interrupted(late).context)
    expect(await call(context, 'GetEdgeContainerApp', { AppId })).toMatchObject({ App: { Status: 'deleted' } })
    for (const _ of ['unassign', 'remove']) await pass(context)
    expect(await refusal(context, 'GetEdgeContainerApp', { AppId })).toMatchObject({ status: 404 })
    expect(await assigned(context, 'node-a')).toEqual({})
  })

  it('goes on with the other applications when one cannot be rolled out, and says which failed', async () => {
    const broken = await createVersion(context, AppId)
    const other = await createApp(context, { Name: 'other-app', ServicePort: '81' })
    const fine = await createVersion(context, other)
    await addNode(context, 'node-a')
    await publish(context, AppId, broken)
    await publish(context, other, fine)
    await context.store.write(async (tx) => tx.run(db.updateTable('app_versions').set({ containers: '{}' }).where('id', '=', broken)))
    await expect(pass(context)).rejects.toThrow(/1 of 2 rollouts failed/)
    expect(await assigned(context, 'node-a')).toEqual({ [`app/${other}/prod`]: fine })
  })

  it('spreads many nodes over several transactions', async () => {
    const ids = Array.from({ length: 250 }, (_, n) => `node-${n}`)
    for (const id of ids) await addNode(context, id, ['prod'])
    await publish(context, AppId, await createVersion(context, AppId))
    const counted = interrupted(async () => {})
    await pass(counted.context)
    expect(counted.writes()).toBe(3)
    const found = await context.store.read((tx) => assignments.listByKey(tx, key))
    expect(found.map(({ nodeId }) => nodeId).toSorted()).toEqual(ids.toSorted())
    expect(await pass(context)).toBe(0)
  })

  it('leaves applications of other accounts and their nodes alone', async () => {
    const stranger = context.as({ accountId: '1000000000000002' })
    await addNode(stranger, 'node-theirs')
    await publish(context, AppId, await createVersion(context, AppId))
    await pass(context)
    expect(await assigned(context, 'node-theirs')).toEqual({})
  })

  it('stops between two applications when it is told to', async () => {
    await publish(context, AppId, await createVersion(context, AppId))
    await expect(rollouts.pass(context, AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped')
  })
})

const waiting = { timeout: 5000, interval: 5 }

describe('on disk, with the loop running', () => {
  it('takes 32 versions at once, and a release from publish to published by what the node says', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'littoral-rollouts-'))
    const store = await openStore({ file: join(folder, 'store.db') })
    const live = await testContext({ store })
    const running = startLoop(rollouts, live)
    try {
      const app = await createApp(live)
      const versions = await Promise.all(Array.from({ length: 32 }, (_, n) => createVersion(live, app, `release-${n}`)))
      await addNode(live, 'node-a')
      await publish(live, app, versions[0]!)
      await vi.waitFor(async () => expect(await assigned(live, 'node-a')).toEqual({ [`app/${app}/prod`]: versions[0] }), waiting)
      await reportAll(live, 'node-a')
      await vi.waitFor(
        async () =>
          expect(await call(live, 'GetEdgeContainerAppStatus', { AppId: app })).toMatchObject({
            AppStatus: { PublishStatus: 'published' },
          }),
        waiting,
      )
    } finally {
      await running.stop()
      await store.close()
      await rm(folder, { recursive: true })
    }
  })
})
