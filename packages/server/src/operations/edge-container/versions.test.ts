import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { testContext, type TestContext } from '../test-context.ts'
import { addNode, call, container, createApp, createVersion, pass, publish, refusal, reportAll } from './door.contract.ts'

let context: TestContext
let AppId: string
beforeEach(async () => {
  context = await testContext()
  AppId = await createApp(context)
})
afterEach(() => context.close())

const unknownApp = 'app-999999999999999999'
const unknownVersion = 'ver-999999999999999999'
const create = (containers: unknown, fields: object = {}) =>
  refusal(context, 'CreateEdgeContainerAppVersion', { AppId, Name: 'release-1', Containers: JSON.stringify(containers), ...fields })

describe('creating a version', () => {
  it('echoes every string exactly as it was sent', async () => {
    const sent = {
      ...container,
      ACRImageInfo: {
        Domain: '1500.example.net',
        InstanceId: 'cri-1',
        IsEnterpriseRegistry: true,
        RegionId: 'cn-shanghai',
        RepoId: 'crr-1',
        RepoName: 'web',
        RepoNamespace: 'team-a',
        Tag: '3.40.2',
        TagUrl: 'images.example.com/team-a/web:3.40.2',
      },
      IsACRImage: true,
      Args: '  -g   "daemon off;" ',
      Command: '',
      EnvVariables: 'VITE_APP_TITLE=My App, B = x=y ',
      PostStart: '{"exec":{"command":["sh","-c","a  b"]}}',
      PreStop: '{}',
      ProbeContent: {
        Command: 'unused here',
        FailureThreshold: 4,
        Host: 'www.rewrite.com',
        HttpHeaders: '[{\n"Content-Type":"application/json"}]',
        InitialDelaySeconds: 0,
        Path: '/',
        PeriodSeconds: 1,
        Port: 9991,
        Scheme: 'HTTP',
        SuccessThreshold: 2,
        TimeoutSeconds: 1,
      },
      Spec: '8C32G',
      Storage: '30G',
    }
    const VersionId = await createVersion(context, AppId, 'release-1', [sent])
    expect(VersionId).toMatch(/^ver-\d{18}$/)
    expect(await call(context, 'GetEdgeContainerAppVersion', { AppId, VersionId })).toEqual({
      Version: {
        AppId,
        Containers: [sent],
        CreateTime: '2026-01-05T08:00:00Z',
        Name: 'release-1',
        Remarks: '',
        Status: 'created',
        UpdateTime: '2026-01-05T08:00:00Z',
        VersionId,
      },
    })
  })

  it('takes ProbeContent as an object or as JSON text of one', async () => {
    const Port = 8080
    const both = [container, { ...container, Name: 'side', ProbeType: 'tcpSocket' }].map((one) => ({ ...one, ProbeContent: { Port } }))
    const asText = both.map((one) => ({ ...one, ProbeContent: JSON.stringify(one.ProbeContent) }))
    const read = async (name: string, containers: object[]) => {
      const VersionId = await createVersion(context, AppId, name, containers)
      return (await call(context, 'GetEdgeContainerAppVersion', { AppId, VersionId }))['Version'].Containers
    }
    expect(await read('release-1', both)).toEqual(both)
    expect(await read('release-2', asText)).toEqual(both)
  })

  it('keeps what a probe of another type would use, as clients with fixed structures send it', async () => {
    const exec = { ...container, ProbeType: 'exec', ProbeContent: { Command: 'true', HttpHeaders: 'none', Path: '', Port: 0, Scheme: '' } }
    const VersionId = await createVersion(context, AppId, 'release-1', [exec])
    const { Version } = await call(context, 'GetEdgeContainerAppVersion', { AppId, VersionId })
    expect(Version.Containers).toEqual([exec])
    expect((await call(context, 'ListEdgeContainerAppVersions', { AppId }))['TotalCount']).toBe(1)
  })

  it('takes the vendor’s own sample only where the installation is lenient', async () => {
    const sample = [
      {
        Name: 'container1',
        Image: 'image1',
        Spec: '1C2G',
        Command: '/bin/sh',
        Args: '-c hello',
        ProbeType: 'tcpSocket',
        ProbeContent: '{"Port":8080}',
      },
      {
        Name: 'container2',
        Image: 'image2',
        Spec: '2C4G',
        ProbeType: 'httpGet',
        ProbeContent: '{"Path":"/","Port":80,"InitialDelaySeconds":10}',
      },
    ]
    expect(await create(sample)).toMatchObject({
      status: 400,
      code: 'InvalidParameter',
      message: expect.stringContaining('Containers[0].IsACRImage'),
    })
    const lenient = await testContext({ settings: { isContainerLenient: true } })
    const app = await createApp(lenient)
    const VersionId = await createVersion(lenient, app, 'verson1', sample)
    const { Version } = await call(lenient, 'GetEdgeContainerAppVersion', { AppId: app, VersionId })
    expect(Version.Containers[1]).toMatchObject({ IsACRImage: false, Storage: '0.5G', ProbeContent: { InitialDelaySeconds: 10 } })
    await lenient.close()
  })

  it.each([
    ['AppId', 'app-abc', 'InvalidParameter.appid'],
    ['AppId', undefined, 'InvalidParameter.appid'],
    ['Name', 'five5', 'InvalidParameter.Name'],
    ['Name', 'n'.repeat(129), 'InvalidParameter.Name'],
    ['Name', undefined, 'InvalidParameter.Name'],
    ['Name', 'with\0nul', 'InvalidParameter.Name'],
    ['Remarks', 'with\0nul', 'InvalidParameter'],
    ['Remarks', 'r'.repeat(1025), 'InvalidParameter'],
    ['Containers', undefined, 'InvalidParameter'],
    ['Containers', '', 'InvalidParameter'],
    ['Containers', '[]', 'InvalidParameter'],
    ['Containers', '{}', 'InvalidParameter'],
    ['Containers', '[', 'InvalidParameter'],
    ['Containers', '[1]', 'InvalidParameter'],
  ])('refuses %s %j and names it', async (field, value, code) => {
    const refused = await create([container], { [field]: value })
    expect(refused).toMatchObject({ status: 400, code })
    expect(refused.message).toContain(field)
  })

  it.each<[path: string, change: object, code: string]>([
    ['Containers[1].Name', { Name: undefined }, 'InvalidParameter'],
    ['Containers[1].Name', { Name: 'UPPER' }, 'InvalidParameter'],
    ['Containers[1].Image', { Image: undefined }, 'InvalidParameter.Image'],
    ['Containers[1].Image', { Image: '' }, 'InvalidParameter.Image'],
    ['Containers[1].Image', { Image: 'nginx@sha256:0' }, 'InvalidParameter.Image'],
    ['Containers[1].Image', { Image: 'nginx latest' }, 'InvalidParameter.Image'],
    ['Containers[1].ACRImageInfo.TagUrl', { ACRImageInfo: { TagUrl: 'a@b' } }, 'InvalidParameter.Image'],
    ['Containers[1].IsACRImage', { IsACRImage: undefined }, 'InvalidParameter'],
    ['Containers[1].IsACRImage', { IsACRImage: 'perhaps' }, 'InvalidParameter'],
    ['Containers[1].Spec', { Spec: undefined }, 'InvalidParameter'],
    ['Containers[1].Spec', { Spec: '3C3G' }, 'InvalidParameter'],
    ['Containers[1].Storage', { Storage: undefined }, 'InvalidParameter'],
    ['Containers[1].Storage', { Storage: '1G' }, 'InvalidParameter'],
    ['Containers[1].EnvVariables', { EnvVariables: 'A' }, 'InvalidParameter'],
    ['Containers[1].ProbeType', { ProbeType: undefined }, 'InvalidParameter'],
    ['Containers[1].ProbeType', { ProbeType: 'grpc' }, 'InvalidParameter'],
    ['Containers[1].ProbeContent', { ProbeContent: undefined }, 'InvalidParameter'],
    ['Containers[1].ProbeContent', { ProbeContent: 'none' }, 'InvalidParameter'],
    ['Containers[1].ProbeContent.Port', { ProbeContent: {} }, 'InvalidParameter'],
    ['Containers[1].ProbeContent.Port', { ProbeContent: { Port: 65536 } }, 'InvalidParameter'],
    ['Containers[1].ProbeContent.Port', { ProbeContent: '{"Port":0}' }, 'InvalidParameter'],
    ['Containers[1].ProbeContent.Scheme', { ProbeContent: { Port: 1, Scheme: 'ftp' } }, 'InvalidParameter'],
    ['Containers[1].ProbeContent.PeriodSeconds', { ProbeContent: { Port: 1, PeriodSeconds: 0 } }, 'InvalidParameter'],
    ['Containers[1].ProbeContent.InitialDelaySeconds', { ProbeContent: { Port: 1, InitialDelaySeconds: -1 } }, 'InvalidParameter'],
    ['Containers[1].ProbeContent.HttpHeaders', { ProbeContent: { Port: 1, HttpHeaders: '{"A":"x@y"}' } }, 'InvalidParameter.HttpHeaders'],
    [
      'Containers[1].ProbeContent.HttpHeaders',
      { ProbeType: 'tcpSocket', ProbeContent: { Port: 1, HttpHeaders: '@' } },
      'InvalidParameter.HttpHeaders',
    ],
    ['Containers[1].ProbeContent.HttpHeaders', { ProbeContent: { Port: 1, HttpHeaders: 'A: b' } }, 'InvalidParameter.HttpHeaders'],
    ['Containers[1].ProbeContent.HttpHeaders', { ProbeContent: { Port: 1, HttpHeaders: { A: 'b' } } }, 'InvalidParameter.HttpHeaders'],
  ])('refuses %s of %j', async (path, change, code) => {
    const refused = await create([container, { ...container, Name: 'side', ...change }])
    expect(refused).toMatchObject({ status: 400, code })
    expect(refused.message).toContain(path)
  })

  it('wants one name per container, one name per version, and an application', async () => {
    expect(await create([container, container])).toMatchObject({ status: 400, code: 'ParameterAlreadyExist' })
    await createVersion(context, AppId)
    expect(await create([container])).toMatchObject({ status: 400, code: 'NameAlreadyExists' })
    await createVersion(context, await createApp(context, { Name: 'other-app' }))
    expect(await create([container], { AppId: unknownApp })).toMatchObject({ status: 404, code: 'InvalidApp.NotFound' })
    const stranger = context.as({ accountId: '1000000000000002' })
    const fields = { AppId, Name: 'release-9', Containers: JSON.stringify([container]) }
    expect(await refusal(stranger, 'CreateEdgeContainerAppVersion', fields)).toMatchObject({ status: 404 })
  })

  it('checks plain parameters before JSON ones, and both before the application', async () => {
    expect(await create([{}], { AppId: unknownApp, Name: 'x' })).toMatchObject({ code: 'InvalidParameter.Name' })
    expect(await create([{ ...container, Image: 'a@b' }], { AppId: unknownApp })).toMatchObject({ code: 'InvalidParameter.Image' })
    expect(await create([container, container], { AppId: unknownApp })).toMatchObject({ code: 'InvalidApp.NotFound' })
  })

  it('stops at the limits of the installation', async () => {
    const small = await testContext({ settings: { limits: { versionsPerApp: 2, containersPerVersion: 1 } } })
    const app = await createApp(small)
    const fields = { AppId: app, Name: 'release-3', Containers: JSON.stringify([container, { ...container, Name: 'side' }]) }
    expect(await refusal(small, 'CreateEdgeContainerAppVersion', fields)).toMatchObject({ status: 400, code: 'InternalException' })
    await createVersion(small, app, 'release-1')
    await createVersion(small, app, 'release-2')
    const third = { ...fields, Containers: JSON.stringify([container]) }
    expect(await refusal(small, 'CreateEdgeContainerAppVersion', third)).toMatchObject({ status: 400, code: 'InternalException' })
    const again = await refusal(small, 'CreateEdgeContainerAppVersion', { ...third, Name: 'release-2' })
    expect(again).toMatchObject({ status: 400, code: 'NameAlreadyExists' })
    expect(await call(small, 'ListEdgeContainerAppVersions', { AppId: app })).toMatchObject({ TotalCount: 2 })
    await small.close()
  })

  it('runs 32 at once on one application without one of them being run again', async () => {
    let runs = 0
    const { store } = context
    const counting: TestContext = {
      ...context,
      store: {
        ...store,
        read: (fn) => store.read(fn),
        write: (fn) =>
          store.write((tx) => {
            runs++
            return fn(tx)
          }),
      },
    }
    const ids = await Promise.all(Array.from({ length: 32 }, (_, n) => createVersion(counting, AppId, `parallel-${n}`)))
    expect(new Set(ids).size).toBe(32)
    expect(runs).toBe(32)
  })
})

describe('reading versions', () => {
  it('refuses malformed ids and does not find unknown ones', async () => {
    const VersionId = await createVersion(context, AppId)
    for (const action of ['GetEdgeContainerAppVersion', 'DeleteEdgeContainerAppVersion']) {
      expect(await refusal(context, action, { VersionId })).toMatchObject({ status: 400, code: 'InvalidParameter.appid' })
      expect(await refusal(context, action, { AppId })).toMatchObject({ status: 400, code: 'InvalidParameter.VersionId' })
      expect(await refusal(context, action, { AppId, VersionId: AppId })).toMatchObject({ status: 400, code: 'InvalidParameter.VersionId' })
      expect(await refusal(context, action, { AppId: unknownApp, VersionId })).toMatchObject({ status: 404, code: 'InvalidApp.NotFound' })
      expect(await refusal(context, action, { AppId, VersionId: unknownVersion })).toMatchObject({
        status: 404,
        code: 'InvalidVersion.NotFound',
      })
      const other = await createApp(context, { Name: `other-${action.toLowerCase()}` })
      expect(await refusal(context, action, { AppId: other, VersionId })).toMatchObject({ code: 'InvalidVersion.NotFound' })
    }
  })

  it('lists them newest first, with fewer members per container', async () => {
    for (const name of ['release-1', 'release-2', 'hotfix-1']) {
      await createVersion(context, AppId, name)
      context.clock.advance(1000)
    }
    const names = async (fields: object = {}) => {
      const { Versions } = await call(context, 'ListEdgeContainerAppVersions', { AppId, ...fields })
      return Versions.map((version: { Name: string }) => version.Name)
    }
    expect(await names()).toEqual(['hotfix-1', 'release-2', 'release-1'])
    expect(await names({ OrderKey: 'Name', OrderType: 'Asc' })).toEqual(['hotfix-1', 'release-1', 'release-2'])
    expect(await names({ SearchKey: 'release', SearchType: 'Name', OrderKey: 'CreateTime', OrderType: 'ASC' })).toEqual([
      'release-1',
      'release-2',
    ])
    expect(await names({ SearchKey: 'ver-', SearchType: 'VersionId', PageSize: '2', PageNumber: '2' })).toEqual(['release-1'])
    const { Versions, ...rest } = await call(context, 'ListEdgeContainerAppVersions', { AppId })
    expect(rest).toEqual({ PageNumber: 1, PageSize: 20, TotalCount: 3 })
    const { IsACRImage: _acr, Storage: _storage, ...listed } = container
    expect(Versions[0].Containers).toEqual([listed])
  })

  it('refuses what no list takes', async () => {
    const list = (fields: Record<string, unknown>) => refusal(context, 'ListEdgeContainerAppVersions', fields)
    expect(await list({})).toMatchObject({ code: 'InvalidParameter.appid' })
    expect(await list({ AppId, PageSize: '101' })).toMatchObject({ code: 'InvalidParameter' })
    expect(await list({ AppId, SearchType: 'Remarks' })).toMatchObject({ code: 'InvalidParameter' })
    expect(await list({ AppId: unknownApp })).toMatchObject({ status: 404, code: 'InvalidApp.NotFound' })
  })
})

describe('deleting a version', () => {
  it('gives its name back', async () => {
    const VersionId = await createVersion(context, AppId)
    expect(await call(context, 'DeleteEdgeContainerAppVersion', { AppId, VersionId })).toEqual({})
    expect(await refusal(context, 'GetEdgeContainerAppVersion', { AppId, VersionId })).toMatchObject({ code: 'InvalidVersion.NotFound' })
    await createVersion(context, AppId)
  })

  it('is refused while an environment runs it, is about to, or would fall back to it', async () => {
    const remove = (VersionId: string) => refusal(context, 'DeleteEdgeContainerAppVersion', { AppId, VersionId })
    const [v1, v2, v3] = [
      await createVersion(context, AppId, 'release-1'),
      await createVersion(context, AppId, 'release-2'),
      await createVersion(context, AppId, 'release-3'),
    ]
    await addNode(context, 'node-a')
    await publish(context, AppId, v1)
    expect(await remove(v1)).toMatchObject({ status: 400, code: 'InternalException' })
    await pass(context)
    await reportAll(context, 'node-a')
    await pass(context)
    await publish(context, AppId, v2)
    await publish(context, AppId, v3, 'staging')
    for (const used of [v1, v2, v3]) expect(await remove(used)).toMatchObject({ code: 'InternalException' })
    await pass(context)
    await reportAll(context, 'node-a')
    await pass(context)
    expect(await call(context, 'DeleteEdgeContainerAppVersion', { AppId, VersionId: v1 })).toEqual({})
    expect(await remove(v2)).toMatchObject({ code: 'InternalException' })
  })
})
