// What becomes of objects that nothing uses: they lie for as long as the operator says, and go then, key and bytes. Whatever a
// version, a configuration, a deployment or a gateway still needs stays.
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseObjectLocation } from '../../packages/server/src/domain/object-location.ts'
import { leftovers } from '../../packages/server/src/loops/leftovers.ts'
import { openObjectStore, type ObjectStore } from '../../packages/server/src/objects/object-store.ts'
import { openTestS3, testBucket, testKey, testRegion } from '../../packages/server/src/objects/test-s3.ts'
import type { TestContext } from '../../packages/server/src/operations/test-context.ts'
import * as assignments from '../../packages/server/src/store/assignments.ts'
import * as list from '../../packages/server/src/store/iot-edge/leftovers.ts'
import { zipOf } from '../../tools/journey/sample-driver.ts'
import { until } from '../../tools/journey/wait.ts'
import { type Door, openDoor } from './door.ts'

const dayMs = 24 * 3600 * 1000
const keptDays = 30

let door: Door
let folder: string
let objects: ObjectStore
let ctx: TestContext
let DriverId: string

beforeEach(async () => {
  door = await openDoor()
  folder = await mkdtemp(join(tmpdir(), 'littoral-leftovers-'))
  await open({})
  DriverId = await door.driver()
})
afterEach(async () => {
  objects.close()
  await door.ctx.close()
  await rm(folder, { recursive: true })
})

async function open(more: Partial<Parameters<typeof openObjectStore>[0]>): Promise<void> {
  objects = await openObjectStore({ folder, store: door.ctx.store, now: door.ctx.now, ...more })
  ctx = { ...door.ctx, objects } as unknown as TestContext
}

const call = (action: string, input: Record<string, unknown>) => door.call(action, input, ctx)
const code = (action: string, input: Record<string, unknown>) => door.code(action, input, ctx)
const pass = () => leftovers(objects).pass(ctx, new AbortController().signal) as Promise<number>

/** A pass now, and one after each of so many days. */
async function passDays(days: number): Promise<number> {
  let removed = await pass()
  for (let day = 0; day < days; day++) {
    door.ctx.clock.advance(dayMs)
    removed += await pass()
  }
  return removed
}

const types = { code: 'DRIVER_VERSION_CONTENT', config: 'DRIVER_VERSION_DEFAULT_CONFIG', instance: 'INSTANCE_DRIVER_VERSION_CONFIG' }

interface Uploaded {
  readonly address: string
  readonly key: string
  readonly sha256: string
}

async function upload(type: keyof typeof types, bytes: Buffer | string, more: Record<string, unknown> = {}): Promise<Uploaded> {
  const FileName = type === 'code' ? 'code.zip' : 'points.json'
  const request = { Type: types[type], ResourceId: DriverId, ResourceVersion: '1.0.0', FileName, ...more }
  const { OssAddress } = (await call('CreateEdgeOssPreSignedAddress', request)).Data
  const key = objects.keyOf(OssAddress) as string
  return { address: OssAddress, key, sha256: await put(key, bytes) }
}

async function* once(bytes: Buffer) {
  yield bytes
}
const put = async (key: string, bytes: Buffer | string) => {
  return (await objects.put({ key, content: once(Buffer.from(bytes)), maxBytes: 1e6 })).sha256
}
const packageOf = (text: string) => zipOf({ 'index.js': text })
const hasBytes = async ({ sha256 }: { sha256: string }) => (await objects.findByDigest(sha256)) !== undefined
const isThere = async (uploaded: Uploaded) => [(await objects.find(uploaded.key)) !== undefined, await hasBytes(uploaded)]
const version = (more: Record<string, unknown> = {}) => ({ DriverId, DriverVersion: '1.0.0', EdgeVersion: '2.0.0', ...more })
const source = ({ address }: Uploaded) => JSON.stringify({ ossAddress: address })

/** An instance with a released driver, its package and a gateway. */
async function bound() {
  const code = await upload('code', await packageOf('1'))
  await call('CreateEdgeDriverVersion', version({ SourceConfig: source(code) }))
  await call('ReleaseEdgeDriverVersion', version())
  const InstanceId = await door.instance()
  await call('BindDriverToEdgeInstance', { InstanceId, DriverId })
  const gateway = await door.gateway(InstanceId)
  return { InstanceId, code, gateway }
}

describe('an object that nothing uses', () => {
  it('lies for as long as the operator says and goes then, with its bytes', async () => {
    const never = await upload('code', 'never used')
    await passDays(keptDays - 1)
    expect(await isThere(never)).toEqual([true, true])
    expect(await passDays(1)).toBe(2)
    expect(await isThere(never)).toEqual([false, false])
    expect(await passDays(1)).toBe(0)
  })

  it('goes without bytes too, where an address was handed out and never used', async () => {
    const { Data } = await call('CreateEdgeOssPreSignedAddress', {
      Type: types.code,
      ResourceId: DriverId,
      ResourceVersion: '1',
      FileName: 'a.zip',
    })
    expect(await passDays(keptDays)).toBe(1)
    expect(await code('CreateEdgeDriverVersion', version({ SourceConfig: JSON.stringify({ ossAddress: Data.OssAddress }) }))).toBe(
      'iot.common.InvalidParam',
    )
  })

  it('begins to lie when its version is deleted, however old it is by then', async () => {
    const draft = await upload('code', 'draft')
    await call('CreateEdgeDriverVersion', version({ SourceConfig: source(draft) }))
    await passDays(3 * keptDays)
    await call('DeleteEdgeDriverVersion', version())
    await passDays(keptDays - 1)
    expect(await isThere(draft)).toEqual([true, true])
    await passDays(1)
    expect(await isThere(draft)).toEqual([false, false])
  })

  it('lies anew after it was used in between', async () => {
    const draft = await upload('code', 'draft')
    await passDays(keptDays - 1)
    await call('CreateEdgeDriverVersion', version({ SourceConfig: source(draft) }))
    await call('DeleteEdgeDriverVersion', version())
    await passDays(keptDays - 1)
    expect(await isThere(draft)).toEqual([true, true])
  })

  it('is taken off the list in the write that begins to use it, so that the next pass leaves it alone', async () => {
    const due = await upload('code', 'due')
    await pass()
    door.ctx.clock.advance(keptDays * dayMs)
    await call('CreateEdgeDriverVersion', version({ SourceConfig: source(due) }))
    expect(await ctx.store.read((tx) => list.find(tx, 'key', due.key))).toBeUndefined()
    expect(await pass()).toBe(0)
    expect(await isThere(due)).toEqual([true, true])
  })

  it('is taken off the list when its bytes are gone without the loop', async () => {
    await ctx.store.write(async (tx) => list.insert(tx, { kind: 'blob', name: 'f'.repeat(64), sinceMs: 0 }))
    expect(await pass()).toBe(0)
    expect(await ctx.store.read((tx) => list.find(tx, 'blob', 'f'.repeat(64)))).toBeUndefined()
  })

  it('is kept for ever where the operator wants that', async () => {
    const never = await upload('code', 'never used')
    ctx = { ...ctx, settings: { ...ctx.settings, leftoversKeptMs: 0 } }
    expect(await passDays(2 * keptDays)).toBe(0)
    expect(await isThere(never)).toEqual([true, true])
  })

  it('goes out of a bucket as well', async () => {
    const s3 = await openTestS3()
    objects.close()
    const location = parseObjectLocation(`s3://${testBucket}/edge?endpoint=${s3.endpoint}&region=${testRegion}`)
    // The bucket compares signatures with its own clock.
    await open({ s3: { location, key: testKey }, now: Date.now })
    const never = await upload('code', 'in a bucket')
    const kept = await upload('code', 'kept in a bucket')
    await call('CreateEdgeDriverVersion', version({ SourceConfig: source(kept) }))
    await passDays(keptDays)
    expect([...s3.objects.keys()]).toEqual([`edge/${kept.sha256}`])
    expect(await isThere(never)).toEqual([false, false])
    await s3.close()
  })
})

describe('bytes', () => {
  it('stay as long as one of the keys that have them', async () => {
    const first = await upload('code', 'the same')
    await call('CreateEdgeDriverVersion', version({ SourceConfig: source(first) }))
    const second = await upload('code', 'the same')
    await passDays(keptDays)
    expect(await isThere(second)).toEqual([false, true])
    expect(await isThere(first)).toEqual([true, true])
    await call('DeleteEdgeDriverVersion', version())
    await passDays(keptDays)
    expect(await isThere(first)).toEqual([false, false])
  })

  it('that another upload took the place of go, unless a release has frozen them', async () => {
    const before = await upload('code', await packageOf('1'))
    await call('CreateEdgeDriverVersion', version({ SourceConfig: source(before) }))
    await call('ReleaseEdgeDriverVersion', version())
    const between = await put(before.key, 'between')
    await put(before.key, 'after')
    await passDays(keptDays)
    expect([await hasBytes(before), await hasBytes({ sha256: between })]).toEqual([true, false])
  })

  it('are not removed from under an upload of the same bytes', async () => {
    const { key, sha256 } = await upload('code', 'again')
    const path = join(folder, sha256.slice(0, 2), sha256)
    const { ino } = await stat(path)
    // The removal is decided on while the upload has just put its bytes in the place of the others, and is not noted yet.
    const removal = objects.remove(sha256, () =>
      until('the upload', 10_000, async () => ((await stat(path)).ino === ino ? undefined : true)),
    )
    const again = put(key, 'again').catch((error: unknown) => (error as { code?: string }).code)
    expect(await removal).toBe(true)
    expect(await again).toBe('ServiceUnavailable')
    expect(await put(key, 'again')).toBe(sha256)
    expect(await hasBytes({ sha256 })).toBe(true)
  })
})

describe('an object stays', () => {
  const later = () => passDays(2 * keptDays)

  it('that a released version, its default configuration, or that of an instance, a channel or a device names', async () => {
    const file = await upload('config', '{"a":1}')
    const code = await upload('code', await packageOf('1'))
    const DriverConfig = JSON.stringify([{ format: 'FILE', content: file.address }])
    await call('CreateEdgeDriverVersion', version({ SourceConfig: source(code), DriverConfig }))
    await call('ReleaseEdgeDriverVersion', version())
    const InstanceId = await door.instance()
    await call('BindDriverToEdgeInstance', { InstanceId, DriverId })
    const [ofDriver, ofChannel, ofDevice] = await Promise.all(['[1]', '[2]', '[3]'].map((text) => upload('instance', text, { InstanceId })))
    const block = (uploaded: Uploaded | undefined) => [{ Format: 'FILE', Content: uploaded?.address }]
    await call('SetEdgeInstanceDriverConfigs', { InstanceId, DriverId, Configs: block(ofDriver) })
    await call('CreateEdgeInstanceChannel', { InstanceId, DriverId, ChannelName: 'serial', Configs: block(ofChannel) })
    const [IotId] = await door.devices(1)
    await call('BatchBindDeviceToEdgeInstanceWithDriver', { InstanceId, DriverId, IotIds: [IotId] })
    await call('BatchSetEdgeInstanceDeviceConfig', { InstanceId, DeviceConfigs: [{ IotId, Content: ofDevice?.address }] })
    expect(await later()).toBe(0)
  })

  it('that a deployment on its way will put on a gateway, until another one has taken its place', async () => {
    const { InstanceId } = await bound()
    const file = await upload('instance', '[1]', { InstanceId })
    await call('SetEdgeInstanceDriverConfigs', { InstanceId, DriverId, Configs: [{ Format: 'FILE', Content: file.address }] })
    await call('CreateEdgeInstanceDeployment', { InstanceId, Type: 'deploy' })
    await call('ClearEdgeInstanceDriverConfigs', { InstanceId, DriverId })
    await later()
    expect(await hasBytes(file)).toBe(true)
    await call('CloseEdgeInstanceDeployment', { InstanceId })
    await later()
    expect(await hasBytes(file)).toBe(true)
    await call('CreateEdgeInstanceDeployment', { InstanceId, Type: 'deploy' })
    await later()
    expect(await hasBytes(file)).toBe(false)
  })

  it('that a gateway is to run, whatever became of its version', async () => {
    const { gateway } = await bound()
    const nodeId = await door.node(gateway)
    const file = await upload('config', 'assigned')
    const workload = { kind: 'driver', key: 'driver/i/d', version: '1', digest: 'x', files: [{ name: 'a', sha256: file.sha256 }] }
    await ctx.store.write(async (tx) => assignments.assign(tx, { nodeId, workload: workload as never, nowMs: 0 }))
    await later()
    expect(await hasBytes(file)).toBe(true)
    await ctx.store.write(async (tx) => assignments.unassign(tx, { nodeId, key: workload.key, nowMs: 0 }))
    await later()
    expect(await hasBytes(file)).toBe(false)
  })
})
