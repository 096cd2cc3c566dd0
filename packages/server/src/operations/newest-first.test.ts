// Lists that promise the newest first keep it within a millisecond, too: identifiers are random, so they say nothing of what came first.
import { afterEach, describe, expect, it } from 'vitest'
import { type Door, openDoor } from '../../../../test/iot-edge/door.ts'
import * as esa from './edge-container/door.contract.ts'
import type { Ids } from './context.ts'
import { idsFrom, testContext, type TestContext } from './test-context.ts'

/** Each identifier sorts before the one that was made before it. */
function fallingIds(): Ids {
  let left = 10_000
  return idsFrom((count, radix) => `9${(left -= 1).toString(radix).padStart(count - 1, '0')}`)
}

const names = ['first', 'second', 'third']
const newest = names.toReversed()

describe('of what was made within one millisecond, the newest comes first', () => {
  let context: TestContext
  let door: Door | undefined
  afterEach(async () => {
    await context.close()
    await door?.ctx.close()
    door = undefined
  })

  it('in lists of edge containers, and last where the order is turned', async () => {
    context = { ...(await testContext()), ids: fallingIds() }
    const call = (action: string, fields: Record<string, unknown>) => esa.call(context, action, fields)
    const AppIds: string[] = []
    for (const name of names) AppIds.push(await esa.createApp(context, { Name: `app-${name}` }))
    const [AppId = ''] = AppIds
    for (const name of names) await esa.createVersion(context, AppId, `version-${name}`)
    for (const name of names) await esa.createSite(context, `${name}.example.com`)
    for (const name of names) await call('CreateEdgeContainerAppRecord', { AppId, RecordName: `${name}.first.example.com` })
    const listed = async (action: string, fields: Record<string, unknown>, list: string, name: string) =>
      (await call(action, fields))[list].map((entry: Record<string, unknown>) => entry[name])

    const apps = newest.map((name) => `app-${name}`)
    expect(await listed('ListEdgeContainerApps', {}, 'Apps', 'Name')).toEqual(apps)
    expect(await listed('ListEdgeContainerApps', { OrderKey: 'CreateTime', OrderType: 'asc' }, 'Apps', 'Name')).toEqual(apps.toReversed())
    const versions = newest.map((name) => `version-${name}`)
    expect(await listed('ListEdgeContainerAppVersions', { AppId }, 'Versions', 'Name')).toEqual(versions)
    const records = newest.map((name) => `${name}.first.example.com`)
    expect(await listed('ListEdgeContainerAppRecords', { AppId }, 'Records', 'RecordName')).toEqual(records)
    const sites = newest.map((name) => `${name}.example.com`)
    expect(await listed('ListSites', {}, 'Sites', 'SiteName')).toEqual(sites)
  })

  it('in lists of edge instances', async () => {
    door = await openDoor()
    context = { ...door.ctx, ids: fallingIds() }
    const page = { CurrentPage: 1, PageSize: 10 }
    for (const name of names) await door.call('CreateEdgeInstance', { Name: name }, context)
    const { InstanceList } = (await door.call('QueryEdgeInstance', page)).Data
    expect(InstanceList.map(({ Name }: { Name: string }) => Name)).toEqual(newest)
    const [{ InstanceId }] = InstanceList
    const route = { InstanceId, SourceType: 'device', SourceData: '#', TargetType: 'IotHub', TargetIotHubQos: 0 }
    for (const Name of names) await door.call('CreateEdgeInstanceMessageRouting', { ...route, Name }, context)
    const { MessageRoute } = (await door.call('QueryEdgeInstanceMessageRouting', { ...page, InstanceId })).Data.MessageRouteList
    expect(MessageRoute.map(({ Name }: { Name: string }) => Name)).toEqual(newest)
    for (const name of names) {
      const driver = { DriverName: name, DriverProtocol: 'customize', Runtime: 'nodejs8' }
      const { DriverId } = await door.call('CreateEdgeDriver', driver, context)
      await door.released(DriverId)
      await door.call('BindDriverToEdgeInstance', { InstanceId, DriverId })
    }
    const drivers = (await door.call('QueryEdgeDriver', { ...page, Type: 1 })).Data.DriverList
    expect(drivers.map(({ DriverName }: { DriverName: string }) => DriverName)).toEqual(newest)
    const bound = (await door.call('QueryEdgeInstanceDriver', { ...page, InstanceId })).Data.DriverList
    const ids = drivers.map(({ DriverId }: { DriverId: string }) => DriverId)
    expect(bound.map(({ DriverId }: { DriverId: string }) => DriverId)).toEqual(ids)
    // Version numbers that fall, made one after the other.
    const [DriverId] = ids
    for (const DriverVersion of ['0.9.0', '0.8.0'])
      await door.call('CreateEdgeDriverVersion', { DriverId, DriverVersion, EdgeVersion: '2.0.0' })
    const { DriverVersionList } = (await door.call('QueryEdgeDriverVersion', { ...page, DriverId })).Data
    expect(DriverVersionList.map(({ DriverVersion }: { DriverVersion: string }) => DriverVersion)).toEqual(['0.8.0', '0.9.0', '1.0.0'])
  })
})
