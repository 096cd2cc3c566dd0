import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Door, openDoor } from '../../../../../test/iot-edge/door.ts'

describe('drivers', () => {
  let door: Door
  beforeEach(async () => {
    door = await openDoor({ settings: { limits: { drivers: 3 } } })
  })
  afterEach(() => door.ctx.close())

  const compiled = { DriverName: 'Led', DriverProtocol: 'modbus', Runtime: 'c' }

  it('registers a driver and shows it with its architecture in lower case', async () => {
    const { DriverId } = await door.call('CreateEdgeDriver', { ...compiled, CpuArch: 'ARMv7-HF' })
    expect(DriverId).toMatch(/^[0-9a-f]{32}$/)
    const { DriverList } = await door.call('BatchGetEdgeDriver', { DriverIds: [DriverId, 'unknown'] })
    expect(DriverList).toEqual([
      {
        DriverId,
        DriverName: 'Led',
        DriverProtocol: 'modbus',
        Runtime: 'c',
        CpuArch: 'armv7-hf',
        IsBuiltIn: false,
        Type: 1,
        GmtCreateTimestamp: door.ctx.now(),
        GmtModifiedTimestamp: door.ctx.now(),
      },
    ])
  })

  it.each([
    ['a compiled driver without an architecture', compiled],
    ['an unknown architecture', { ...compiled, CpuArch: 'sparc' }],
    ['a name that begins with a digit', { ...compiled, DriverName: '1led', Runtime: 'python3' }],
    ['a name of 21 characters', { ...compiled, DriverName: 'a'.repeat(21), Runtime: 'python3' }],
    ['a runtime in another case', { ...compiled, Runtime: 'NodeJS8' }],
    ['an unknown protocol', { ...compiled, DriverProtocol: 'mqtt', Runtime: 'python3' }],
  ])('refuses %s', async (_, input) => {
    expect(await door.code('CreateEdgeDriver', input)).toBe('iot.common.InvalidParam')
  })

  it('names a missing parameter', async () => {
    expect(await door.code('CreateEdgeDriver', { DriverName: 'Led', Runtime: 'c' })).toBe('MissingDriverProtocol')
  })

  it('accepts java8 beside the documented runtimes', async () => {
    expect(await door.code('CreateEdgeDriver', { ...compiled, Runtime: 'java8' })).toBe('Success')
  })

  it('keeps names unique in the account, and only there', async () => {
    await door.driver('Led')
    expect(await door.code('CreateEdgeDriver', { ...compiled, Runtime: 'python3' })).toBe('iot.edge.DriverNameExist')
    const other = door.ctx.as({ accountId: '2000000000000002' })
    expect(await door.code('CreateEdgeDriver', { ...compiled, Runtime: 'python3' }, other)).toBe('Success')
  })

  it('stops at the limit of drivers', async () => {
    for (const name of ['A', 'B', 'C']) await door.driver(name)
    expect(await door.code('CreateEdgeDriver', { ...compiled, Runtime: 'python3' })).toBe('iot.edge.DriverNumLimitation')
  })

  it('pages newest first, puts page numbers right and echoes what it used', async () => {
    for (const name of ['led_A', 'led_B', 'Other']) {
      await door.driver(name)
      door.ctx.clock.advance(1)
    }
    const all = (await door.call('QueryEdgeDriver', { Type: 1, CurrentPage: 0, PageSize: -5 })).Data
    expect(all.DriverList.map((driver: { DriverName: string }) => driver.DriverName)).toEqual(['Other', 'led_B', 'led_A'])
    expect(all).toMatchObject({ CurrentPage: 1, PageSize: 10, Total: 3 })
    expect(all.DriverList[0].IsApply).toBe(false)
    expect((await door.call('QueryEdgeDriver', { Type: 1, CurrentPage: 1, PageSize: 99 })).Data.PageSize).toBe(30)
    const named = (await door.call('QueryEdgeDriver', { Type: 1, DriverName: 'led_', CurrentPage: 2, PageSize: 1 })).Data
    expect(named).toMatchObject({ Total: 2, DriverList: [{ DriverName: 'led_A' }] })
    expect((await door.call('QueryEdgeDriver', { Type: 1, DriverName: 'LED', CurrentPage: 1, PageSize: 5 })).Data.Total).toBe(0)
    expect((await door.call('QueryEdgeDriver', { Type: 1, CurrentPage: 9, PageSize: 5 })).Data.DriverList).toEqual([])
    expect((await door.call('QueryEdgeDriver', { Type: 0, CurrentPage: 1, PageSize: 5 })).Data.Total).toBe(0)
  })

  it('refuses a page that is no number, a list of more than 30 ids, and what is no list of ids', async () => {
    expect(await door.code('QueryEdgeDriver', { Type: 1, CurrentPage: 'x', PageSize: 1 })).toBe('iot.common.InvalidPageParams')
    expect(await door.code('QueryEdgeDriver', { Type: 1, CurrentPage: 1 })).toBe('MissingPageSize')
    const ids = Array.from({ length: 31 }, (_, place) => `id${place}`)
    expect(await door.code('BatchGetEdgeDriver', { DriverIds: ids })).toBe('iot.common.ParameterSizeLimit')
    for (const DriverIds of ['abc', [], [1]]) expect(await door.code('BatchGetEdgeDriver', { DriverIds })).toBe('iot.common.InvalidParam')
    expect(await door.code('BatchGetEdgeDriver')).toBe('MissingDriverIds')
  })

  it('deletes a driver with its unreleased versions, not one that has a released version', async () => {
    const DriverId = await door.driver()
    await door.call('CreateEdgeDriverVersion', { DriverId, DriverVersion: '1', EdgeVersion: '2' })
    expect(await door.code('DeleteEdgeDriver', { DriverId })).toBe('Success')
    expect(await door.code('DeleteEdgeDriver', { DriverId })).toBe('iot.edge.DriverNotExist')
    const kept = await door.driver()
    await door.released(kept)
    expect(await door.code('DeleteEdgeDriver', { DriverId: kept })).toBe('iot.edge.DriverHasReleasedVersion')
  })

  it("keeps one account's drivers from another", async () => {
    const DriverId = await door.driver()
    const other = door.ctx.as({ accountId: '2000000000000002' })
    expect(await door.code('DeleteEdgeDriver', { DriverId }, other)).toBe('iot.common.AuthActionPermissionDeny')
    expect((await door.call('BatchGetEdgeDriver', { DriverIds: [DriverId] }, other)).DriverList).toEqual([])
    expect((await door.call('QueryEdgeDriver', { Type: 1, CurrentPage: 1, PageSize: 5 }, other)).Data.Total).toBe(0)
  })

  it('serves the default partition only', async () => {
    const paging = { Type: 1, CurrentPage: 1, PageSize: 5 }
    expect(await door.code('QueryEdgeDriver', { ...paging, IotInstanceId: 'iot-1' })).toBe('iot.system.InstanceNotFound')
    expect(await door.code('QueryEdgeDriver', { ...paging, IotInstanceId: '' })).toBe('Success')
  })
})
