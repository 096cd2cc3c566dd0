import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { db } from '../db.ts'
import { openStore } from '../open.ts'
import { loadSecretBox } from '../secret-box.ts'
import type { Store } from '../store.ts'
import { openDeviceSecret, sealDeviceSecret, sealPlainSecrets } from './device-secrets.ts'
import * as devices from './devices.ts'

const secret = 'c0ffee00'.repeat(4)
const accountId = '1000000000000001'
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-secrets-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const open = () => openStore({ file: join(folder, 'littoral.db') })

/** As an older version stored it: the secret as it is. */
async function insertPlain(store: Store, count: number): Promise<void> {
  const product = { key: 'pk', account_id: accountId, name: 'gateways', node_type: 1, created_at_ms: 1, details: '{}' }
  await store.write(async (tx) => {
    tx.run(db.insertInto('products').values(product))
    for (let place = 0; place < count; place++) {
      const device = { iot_id: `iot-${place}`, account_id: accountId, product_key: 'pk', name: `gateway_${place}` }
      tx.run(db.insertInto('devices').values({ ...device, secret, nickname: null, created_at_ms: 1 }))
    }
  })
}

it('seals what an older version left plain, once, and leaves no trace of it in the files', async () => {
  const before = await open()
  await insertPlain(before, 1200)
  await before.close()
  const store = await open()
  const box = await loadSecretBox(folder)
  expect(await sealPlainSecrets(store, box)).toBe(1200)
  expect(await sealPlainSecrets(store, box)).toBe(0)
  const device = await store.read((tx) => devices.find(tx, { iotId: 'iot-1199' }))
  expect(openDeviceSecret(box, device!)).toBe(secret)
  await store.close()
  const traces: string[] = []
  for (const name of await readdir(folder)) if ((await readFile(join(folder, name))).includes(secret)) traces.push(name)
  expect(traces).toEqual([])
})

it('lets a gateway prove itself with a sealed secret, and nothing else with the seal of another', async () => {
  const store = await open()
  const box = await loadSecretBox(folder)
  await insertPlain(store, 1)
  await sealPlainSecrets(store, box)
  expect(await devices.gatewayDirectory(store, box).find('pk', 'gateway_0')).toMatchObject({ iotId: 'iot-0', deviceSecret: secret })
  const moved = { iotId: 'iot-1', sealedSecret: sealDeviceSecret(box, 'iot-0', secret) }
  expect(() => openDeviceSecret(box, moved)).toThrow(/iot-1/)
  await store.close()
})
