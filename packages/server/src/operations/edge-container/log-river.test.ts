import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { testContext, type TestContext } from '../test-context.ts'
import { call, createApp, refusal } from './door.contract.ts'

let context: TestContext
let AppId: string
beforeEach(async () => {
  context = await testContext()
  AppId = await createApp(context)
})
afterEach(() => context.close())

const get = () => call(context, 'GetEdgeContainerAppLogRiver', { AppId })
const update = (fields: Record<string, unknown>) => call(context, 'UpdateEdgeContainerAppLogRiver', { AppId, ...fields })

describe('the log river of an application', () => {
  it('collects nothing until it is changed', async () => {
    expect(await get()).toEqual({ Path: '', Stdout: false })
  })

  it('answers what is in force, keeps what a change leaves out, and wakes whoever collects', async () => {
    let woken = 0
    context.store.changes('log-rivers', () => woken++)
    const Path = '/app/my logs/(a)*!?.log'
    expect(await update({ Path })).toEqual({ Path, Stdout: false })
    expect(await update({ Stdout: 'TRUE' })).toEqual({ Path, Stdout: true })
    expect(await get()).toEqual({ Path, Stdout: true })
    expect(await update({ Path: '' })).toEqual({ Path: '', Stdout: true })
    expect(await update({})).toEqual({ Path: '', Stdout: true })
    expect(woken).toBe(4)
  })

  it.each(['logs/*.log', '/app/../etc/passwd', '/app/logs/', '/app\n/logs', `/${'l'.repeat(1024)}`])(
    'refuses the path %j',
    async (Path) => {
      const refused = await refusal(context, 'UpdateEdgeContainerAppLogRiver', { AppId, Path })
      expect(refused).toMatchObject({ status: 400, code: 'InvalidParameter' })
      expect(refused.message).toContain('Path')
      expect(await get()).toEqual({ Path: '', Stdout: false })
    },
  )

  it('refuses a switch that is neither true nor false', async () => {
    const refused = await refusal(context, 'UpdateEdgeContainerAppLogRiver', { AppId, Stdout: 'on' })
    expect(refused).toMatchObject({ status: 400, code: 'InvalidParameter' })
  })

  it.each(['GetEdgeContainerAppLogRiver', 'UpdateEdgeContainerAppLogRiver'])('%s names a wrong application', async (action) => {
    expect(await refusal(context, action, {})).toMatchObject({ status: 400, code: 'InvalidParameter.appid' })
    expect(await refusal(context, action, { AppId: 'App-880688675783794688' })).toMatchObject({
      status: 400,
      code: 'InvalidParameter.appid',
    })
    const unknown = { AppId: 'app-999999999999999999' }
    expect(await refusal(context, action, unknown)).toMatchObject({ status: 404, code: 'InvalidApp.NotFound' })
    const stranger = context.as({ accountId: '1000000000000002' })
    expect(await refusal(stranger, action, { AppId })).toMatchObject({ status: 404, code: 'InvalidApp.NotFound' })
  })
})
