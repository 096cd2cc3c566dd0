import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { testContext, type TestContext } from '../test-context.ts'
import { call, createApp, refusal } from './door.contract.ts'

const regions = [
  { code: 'zhejiang', area: 'huadong', isp: 'cmcc' },
  { code: 'fujian', area: 'huadong', isp: 'unicom' },
  { code: 'singapore', area: 'sg' },
]
let context: TestContext
let AppId: string
beforeEach(async () => {
  context = await testContext({ settings: { regions } })
  AppId = await createApp(context)
})
afterEach(() => context.close())

const row = { Region: 'sg', Replicas: 2 }
const later = '2026-02-01T00:00:00Z'
const update = (fields: Record<string, unknown>) => call(context, 'UpdateEdgeContainerAppResourceReserve', toText(fields))
const updateRefused = (fields: Record<string, unknown>) => refusal(context, 'UpdateEdgeContainerAppResourceReserve', toText(fields))
const get = () => call(context, 'GetEdgeContainerAppResourceReserve', { AppId })
const toText = ({ ReserveSet, ...fields }: Record<string, unknown>) => ({
  AppId,
  ...fields,
  ...(ReserveSet !== undefined && { ReserveSet: typeof ReserveSet === 'string' ? ReserveSet : JSON.stringify(ReserveSet) }),
})

describe('a reservation', () => {
  it('is off and empty until it is changed', async () => {
    expect(await get()).toEqual({ DurationTime: '', Enable: false, Forever: false, ReserveSet: [] })
  })

  it('answers what is in force, and keeps what a change leaves out', async () => {
    const ReserveSet = [row, { Region: 'HUADONG', Isp: 'CMCC', Replicas: 1 }]
    const kept = [row, { Region: 'huadong', Isp: 'cmcc', Replicas: 1 }]
    const first = await update({ Enable: 'true', DurationTime: later, ReserveSet })
    expect(first).toEqual({ DurationTime: later, Enable: true, Forever: false, ReserveSet: kept })
    expect(await get()).toEqual(first)
    expect(await update({ Enable: 'false' })).toEqual({ ...first, Enable: false })
    expect(await update({ ReserveSet: [row] })).toEqual({ ...first, Enable: false, ReserveSet: [row] })
    expect(await update({ ReserveSet: [] })).toEqual({ ...first, Enable: false, ReserveSet: [] })
    expect(await update({})).toEqual({ ...first, Enable: false, ReserveSet: [] })
  })

  it('turns itself off when its time is over, and needs a new time to be turned on again', async () => {
    await update({ Enable: 'true', DurationTime: later, ReserveSet: [row] })
    context.clock.nowMs = Date.parse(later) - 1
    expect(await get()).toMatchObject({ Enable: true })
    context.clock.advance(1)
    expect(await get()).toEqual({ DurationTime: later, Enable: false, Forever: false, ReserveSet: [row] })
    // A change of something else does not wake it up, nor is it refused for the time that is over.
    expect(await update({ ReserveSet: [] })).toMatchObject({ Enable: false, DurationTime: later })
    expect(await updateRefused({ Enable: 'true' })).toMatchObject({ status: 400, code: 'InvalidParameter' })
    expect(await update({ Enable: 'true', DurationTime: '2026-03-01T00:00:00Z' })).toMatchObject({ Enable: true })
  })

  it('lasts for ever or until a time: naming one takes the other back', async () => {
    await update({ Enable: 'true', DurationTime: later })
    expect(await update({ Forever: 'true' })).toMatchObject({ Enable: true, Forever: true, DurationTime: '' })
    context.clock.nowMs = Date.parse('2099-01-01T00:00:00Z')
    expect(await get()).toMatchObject({ Enable: true, Forever: true })
    expect(await update({ DurationTime: '2099-02-01T00:00:00Z' })).toMatchObject({ Forever: false, DurationTime: '2099-02-01T00:00:00Z' })
    expect(await update({ DurationTime: '', Enable: 'false' })).toMatchObject({ Enable: false, DurationTime: '' })
  })

  it.each([
    [{ Forever: 'true', DurationTime: later }, 'DurationTime'],
    [{ Enable: 'true' }, 'DurationTime'],
    [{ Enable: 'true', DurationTime: '2026-01-05T08:00:00Z' }, 'DurationTime'],
    [{ DurationTime: '2026-02-30T00:00:00Z' }, 'DurationTime'],
    [{ DurationTime: '2026-02-01 00:00:00' }, 'DurationTime'],
    [{ Enable: 'perhaps' }, 'Enable'],
    [{ ReserveSet: [{ Replicas: 1 }] }, 'ReserveSet[0].Region'],
    [{ ReserveSet: [row, { Region: 'sg' }] }, 'ReserveSet[1].Replicas'],
    [{ ReserveSet: [{ Region: 'sg', Replicas: 0 }] }, 'ReserveSet[0].Replicas'],
    [{ ReserveSet: [{ Region: 'mars', Replicas: 1 }] }, 'huadong, sg'],
    [{ ReserveSet: [{ Region: 'sg', Isp: 'cmcc', Replicas: 1 }] }, 'ReserveSet[0].Isp'],
    [{ ReserveSet: [{ Region: 'huadong', Isp: 'chinanet', Replicas: 1 }] }, 'cmcc, unicom'],
    [{ ReserveSet: [{ Region: 'huadong', Replicas: 1 }] }, 'ReserveSet[0].Isp'],
    [{ ReserveSet: [row, { ...row, Region: 'SG' }] }, 'ReserveSet[1]'],
    [{ ReserveSet: '{"Region":"sg"}' }, 'ReserveSet'],
    [{ ReserveSet: '[{' }, 'ReserveSet'],
  ])('refuses %j, names %s, and changes nothing', async (fields, named) => {
    const refused = await updateRefused(fields)
    expect(refused).toMatchObject({ status: 400, code: 'InvalidParameter' })
    expect(refused.message).toContain(named)
    expect(await get()).toEqual({ DurationTime: '', Enable: false, Forever: false, ReserveSet: [] })
  })

  it.each(['GetEdgeContainerAppResourceReserve', 'UpdateEdgeContainerAppResourceReserve'])(
    '%s names a wrong application',
    async (action) => {
      expect(await refusal(context, action, { AppId: 'app-1' })).toMatchObject({ status: 400, code: 'InvalidParameter.Appid' })
      expect(await refusal(context, action, {})).toMatchObject({ status: 400, code: 'InvalidParameter.Appid' })
      const unknown = { AppId: 'app-999999999999999999' }
      expect(await refusal(context, action, unknown)).toMatchObject({ status: 404, code: 'InvalidApp.NotFound' })
      const stranger = context.as({ accountId: '1000000000000002' })
      expect(await refusal(stranger, action, { AppId })).toMatchObject({ status: 404, code: 'InvalidApp.NotFound' })
    },
  )
})
