import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sealPurpose } from '../../domain/image-secret.ts'
import { db } from '../../store/db.ts'
import * as secrets from '../../store/edge-container/image-secrets.ts'
import { testContext, type TestContext } from '../test-context.ts'
import { call, createApp, refusal } from './door.contract.ts'

let context: TestContext
let AppId: string
beforeEach(async () => {
  context = await testContext()
  AppId = await createApp(context)
})
afterEach(() => context.close())

const unknownApp = 'app-999999999999999999'
const password = 'pass word/with+signs%&=…'
const fields = (changes: Record<string, unknown> = {}) => ({
  AppId,
  Registry: 'images.example.com',
  Username: 'puller',
  Password: password,
  ...changes,
})
const create = (changes: Record<string, unknown> = {}) => call(context, 'CreateEdgeContainerAppImageSecret', fields(changes))
const list = async () => (await call(context, 'ListEdgeContainerAppImageSecrets', { AppId }))['ImageSecretList']

describe('an image secret', () => {
  it('is listed under a name made here, without its password', async () => {
    expect(await create()).toEqual({})
    const [secret, ...others] = await list()
    expect(secret).toEqual({ Name: expect.stringMatching(/^reg-\d{16}$/), Registry: 'images.example.com', Username: 'puller' })
    expect(others).toEqual([])
  })

  it('is stored sealed, and only opens in its own row', async () => {
    await create()
    const rows = await context.store.read((tx) => tx.all(db.selectFrom('app_image_secrets').selectAll()))
    expect(JSON.stringify(rows)).not.toContain('pass word')
    const found = await context.store.read((tx) => secrets.findSealed(tx, AppId, 'images.example.com'))
    expect(context.box.open(found?.sealed ?? '', sealPurpose(found!))).toBe(password)
    expect(() => context.box.open(found?.sealed ?? '', sealPurpose({ appId: AppId, name: 'reg-1' }))).toThrow(/sealed with another/)
  })

  it('may be one of several for a registry; the newest is used, also when both came within one millisecond', async () => {
    for (const Username of ['first', 'second', 'third']) await create({ Username })
    expect((await list()).map((secret: { Username: string }) => secret.Username)).toEqual(['third', 'second', 'first'])
    const newest = await context.store.read((tx) => secrets.findSealed(tx, AppId, 'images.example.com'))
    expect(newest?.username).toBe('third')
  })

  it.each([
    ['Images.Example.com:5000', 'images.example.com:5000'],
    ['localhost:5000', 'localhost:5000'],
    ['index.docker.io', 'docker.io'],
  ])('for %s is kept as %s', async (Registry, kept) => {
    await create({ Registry })
    expect((await list())[0].Registry).toBe(kept)
  })

  it.each([
    ['Registry', 'https://images.example.com'],
    ['Registry', 'images.example.com/team-a'],
    ['Registry', 'images.example.com:65536'],
    ['Registry', 'images example'],
    ['Registry', ''],
    ['Username', ''],
    ['Password', ''],
    ['Password', 'p'.repeat(4097)],
  ])('refuses %s %j without repeating a value', async (field, value) => {
    const refused = await refusal(context, 'CreateEdgeContainerAppImageSecret', fields({ [field]: value }))
    expect(refused).toMatchObject({ status: 400, code: 'InvalidParameter' })
    expect(refused.message).toContain(field)
    expect(refused.message).not.toContain('ppp')
  })

  it('is gone after it was deleted, and an unknown one cannot be', async () => {
    await create()
    const [{ Name }] = await list()
    expect(await call(context, 'DeleteEdgeContainerAppImageSecret', { AppId, Name })).toEqual({})
    expect(await list()).toEqual([])
    for (const unknown of [Name, 'reg-1']) {
      const refused = await refusal(context, 'DeleteEdgeContainerAppImageSecret', { AppId, Name: unknown })
      expect(refused).toMatchObject({ status: 400, code: 'InvalidParameter' })
    }
  })

  it('belongs to its application alone, and goes with it', async () => {
    await create()
    const [{ Name }] = await list()
    const other = await createApp(context, { Name: 'shop-backend' })
    const refused = await refusal(context, 'DeleteEdgeContainerAppImageSecret', { AppId: other, Name })
    expect(refused).toMatchObject({ status: 400, code: 'InvalidParameter' })
    await call(context, 'DeleteEdgeContainerApp', { AppId })
    expect(await context.store.read((tx) => tx.all(db.selectFrom('app_image_secrets').select('name')))).toEqual([])
  })

  it('stops at the limit of the installation', async () => {
    const small = await testContext({ settings: { limits: { imageSecretsPerApp: 1 } } })
    const app = await createApp(small)
    await call(small, 'CreateEdgeContainerAppImageSecret', fields({ AppId: app }))
    const refused = await refusal(small, 'CreateEdgeContainerAppImageSecret', fields({ AppId: app }))
    expect(refused).toMatchObject({ status: 400, code: 'InternalException' })
    await small.close()
  })
})

describe('the operations on image secrets', () => {
  const actions = ['CreateEdgeContainerAppImageSecret', 'ListEdgeContainerAppImageSecrets', 'DeleteEdgeContainerAppImageSecret'] as const
  const input = (action: string, id: string | undefined) => ({
    ...(action.startsWith('Create') ? fields() : {}),
    ...(action.startsWith('Delete') ? { Name: 'reg-1' } : {}),
    AppId: id,
  })
  const without = ({ AppId: _id, ...rest }: Record<string, unknown>) => rest

  it.each(actions)('%s spells the fault of a wrong AppId with a capital letter', async (action) => {
    expect(await refusal(context, action, input(action, 'app-1'))).toMatchObject({ status: 400, code: 'InvalidParameter.Appid' })
    expect(await refusal(context, action, without(input(action, AppId)))).toMatchObject({ status: 400, code: 'InvalidParameter.Appid' })
  })

  it.each(actions)('%s does not find an unknown application, nor that of another account', async (action) => {
    expect(await refusal(context, action, input(action, unknownApp))).toMatchObject({ status: 404, code: 'InvalidApp.NotFound' })
    const stranger = context.as({ accountId: '1000000000000002' })
    expect(await refusal(stranger, action, input(action, AppId))).toMatchObject({ status: 404, code: 'InvalidApp.NotFound' })
  })
})
