// Habits of clients that no official Node client has: the command line, Go, Python, PHP and hand-made ones. Each is a request
// as it is on the wire, made by hand, to a real server.
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp } from '../../tools/journey/app.ts'
import { until } from '../../tools/journey/wait.ts'
import { sdkCall, type Call } from '../../tools/official-clients.ts'
import { encode, type Pair } from '@littoral/contract/wire/canonical'
import { signV3 } from '@littoral/contract/wire/signature'
import { signV1 } from '../signing.ts'
import { openTestServer, type TestServer } from '../test-server.ts'

const version = '2024-09-10'
const form = 'application/x-www-form-urlencoded'
let server: TestServer
let esa: Call
let appId: string
beforeAll(async () => {
  server = await openTestServer()
  esa = sdkCall('@alicloud/esa20240910', server.url, server.key)
  appId = await createApp(esa, { name: 'habits-app', servicePort: 25_101, targetPort: 8080 })
})
afterAll(() => server.close())

type Fields = Readonly<Record<string, string>>
interface Answer {
  readonly status: number
  // Answers of every shape; what a test expects of one, it writes down.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: Record<string, any>
}

async function read(answer: Response): Promise<Answer> {
  return { status: answer.status, body: (await answer.json()) as Answer['body'] }
}

/** As the command line: a GET or POST with everything in the query, an empty SignatureType, and a content type on a body of no bytes. */
async function byQuery(action: string, fields: Fields, method: 'GET' | 'POST' = 'POST'): Promise<Answer> {
  const protocol = { Action: action, Version: version, Format: 'JSON', RegionId: 'cn-hangzhou', SignatureType: '' }
  const query = signV1(server.key, { ...protocol, ...fields }, method)
  return read(await fetch(`${server.url}/?${query}`, { method, headers: { 'content-type': form } }))
}

/** As pop-core with `method: 'POST'`: everything, the signature included, in the body. */
async function byForm(action: string, fields: Fields): Promise<Answer> {
  const body = signV1(server.key, { Action: action, Version: version, Format: 'JSON', ...fields }, 'POST')
  return read(await fetch(`${server.url}/`, { method: 'POST', headers: { 'content-type': form }, body }))
}

/** As a client of the present generation in any language. */
async function byV3(action: string, body: string, contentType: string, query: readonly Pair[] = []): Promise<Answer> {
  const rawQuery = query.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&')
  const own = {
    host: new URL(server.url).host,
    'content-type': contentType,
    'x-acs-action': action,
    'x-acs-version': version,
    'x-acs-date': new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    'x-acs-signature-nonce': crypto.randomUUID(),
  }
  const key = { accessKeyId: server.key.accessKeyId, secret: server.key.accessKeySecret }
  const headers = signV3({ method: 'POST', path: '/', rawQuery, query, headers: own, body }, key)
  return read(await fetch(`${server.url}/${rawQuery && `?${rawQuery}`}`, { method: 'POST', headers, body }))
}

const container = {
  Name: 'web',
  Image: 'example:1',
  IsACRImage: false,
  Spec: '1C2G',
  Storage: '0.5G',
  ProbeType: 'httpGet',
  ProbeContent: { Port: 80 },
}
let count = 0
const fresh = (Name = `version-${(count += 1)}`) => ({ AppId: appId, Name })
const readVersion = async ({ body }: Answer) =>
  ((await esa('GetEdgeContainerAppVersion', { AppId: appId, VersionId: body['VersionId'] }))['Version'] ?? body) as Answer['body']

describe('a version', () => {
  it.each<[habit: string, create: () => Promise<Answer>]>([
    ['everything in the query', () => byQuery('CreateEdgeContainerAppVersion', { ...fresh(), Containers: JSON.stringify([container]) })],
    [
      'everything in the query of a GET',
      () => byQuery('CreateEdgeContainerAppVersion', { ...fresh(), Containers: JSON.stringify([container]) }, 'GET'),
    ],
    ['everything in the body', () => byForm('CreateEdgeContainerAppVersion', { ...fresh(), Containers: JSON.stringify([container]) })],
    [
      'a body of JSON',
      () =>
        byV3('CreateEdgeContainerAppVersion', JSON.stringify({ ...fresh(), Containers: [container] }), 'application/json; charset=utf-8'),
    ],
    [
      'a body of JSON with the list as text',
      () =>
        byV3('CreateEdgeContainerAppVersion', JSON.stringify({ ...fresh(), Containers: JSON.stringify([container]) }), 'application/json'),
    ],
    [
      'numbered fields',
      () =>
        byForm('CreateEdgeContainerAppVersion', {
          ...fresh(),
          'Containers.1.Name': 'web',
          'Containers.1.Image': 'example:1',
          'Containers.1.IsACRImage': 'False',
          'Containers.1.Spec': '1C2G',
          'Containers.1.Storage': '0.5G',
          'Containers.1.ProbeType': 'httpGet',
          'Containers.1.ProbeContent.Port': '80',
        }),
    ],
    [
      'numbered fields with JSON inside',
      () =>
        byForm('CreateEdgeContainerAppVersion', {
          ...fresh(),
          'Containers.1': JSON.stringify({ ...container, ProbeContent: '{"Port":"80"}' }),
        }),
    ],
    [
      'numbers and booleans as text',
      () =>
        byForm('CreateEdgeContainerAppVersion', {
          ...fresh(),
          Containers: JSON.stringify([{ ...container, IsACRImage: 'False', ProbeContent: { Port: '80' } }]),
        }),
    ],
    [
      'empty text for what is not given',
      () =>
        byForm('CreateEdgeContainerAppVersion', {
          ...fresh(),
          Remarks: '',
          Containers: JSON.stringify([
            {
              ...container,
              ACRImageInfo: '',
              ProbeContent: { Port: 80, Scheme: '', PeriodSeconds: '' },
            },
          ]),
        }),
    ],
    [
      'null for what is not given',
      () =>
        byForm('CreateEdgeContainerAppVersion', {
          ...fresh(),
          Containers: JSON.stringify([
            {
              ...container,
              ACRImageInfo: null,
              Args: null,
              PostStart: null,
              ProbeContent: { Port: 80, Scheme: null, Command: null },
            },
          ]),
        }),
    ],
  ])('may come with %s', async (_habit, create) => {
    const created = await create()
    expect(created).toMatchObject({ status: 200, body: { VersionId: expect.stringMatching(/^ver-\d{18}$/) } })
    expect(await readVersion(created)).toMatchObject({ Containers: [container] })
  })

  it.each(['版本一二三四', 'версия-1', '🚀🚀🚀🚀🚀🚀', "it's *(so)! ~ a+b & c=d %25", ' six  ', 'ends\n\n'])(
    'may be called %j, in both schemes',
    async (name) => {
      const containers = JSON.stringify([container])
      const body = `AppId=${appId}&Name=${encode(`${name}3`)}&Containers=${encode(containers)}`
      for (const [own, create] of [
        [`${name}1`, byForm('CreateEdgeContainerAppVersion', { ...fresh(`${name}1`), Containers: containers })],
        [`${name}2`, byQuery('CreateEdgeContainerAppVersion', { ...fresh(`${name}2`), Containers: containers })],
        [`${name}3`, byV3('CreateEdgeContainerAppVersion', body, form)],
      ] as const) {
        expect((await readVersion(await create))['Name']).toBe(own)
      }
    },
  )
})

describe('an application', () => {
  it('takes empty words for words that were not given', async () => {
    const words = {
      HealthCheckHost: '',
      HealthCheckHttpCode: '',
      HealthCheckMethod: '',
      HealthCheckType: '',
      HealthCheckPort: '',
      Remarks: '',
    }
    const created = await byForm('CreateEdgeContainerApp', { Name: 'empty-words', ServicePort: '25102', TargetPort: '80', ...words })
    expect(created).toMatchObject({ status: 200 })
    const { App } = (await esa('GetEdgeContainerApp', { AppId: created.body['AppId'] })) as { App: Answer['body'] }
    expect(App['HealthCheck']).toMatchObject({ Method: 'HEAD', HttpCode: 'http_2xx', Type: '', Host: '', Port: 80 })
  })

  it.each([
    ['ListEdgeContainerApps', { OrderKey: '', OrderType: '', SearchType: '', SearchKey: '', PageNumber: '', PageSize: '' }],
    ['ListEdgeContainerAppVersions', { OrderKey: '', OrderType: '', SearchType: '', SearchKey: '', PageNumber: '', PageSize: '' }],
    ['ListEdgeContainerAppRecords', { OrderKey: '', OrderType: '', SearchKey: '', PageNumber: '', PageSize: '' }],
    ['GetEdgeContainerAppStatus', { PublishEnv: '' }],
    ['ListSites', { AccessType: '', SiteSearchType: '', Coverage: '', Status: '', OrderBy: '' }],
  ])('%s takes empty text for everything that is optional', async (action, words) => {
    const fields = { AppId: appId, ...words }
    expect(await byForm(action, fields)).toMatchObject({ status: 200 })
    expect(await byV3(action, JSON.stringify(fields), 'application/json')).toMatchObject({ status: 200 })
  })

  it('refuses an empty word where one is wanted', async () => {
    const publish = { AppId: appId, VersionId: 'ver-999999999999999999', PublishEnv: '' }
    expect(await byForm('PublishEdgeContainerAppVersion', publish)).toMatchObject({
      status: 400,
      body: { Code: 'InvalidParameter.PublishEnv' },
    })
  })
})

/** What comes back for exactly these bytes. */
async function talk(text: string): Promise<{ status: number; body: Answer['body'] }> {
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.write(text)
  await new Promise((resolve) => socket.once('close', resolve))
  const answer = Buffer.concat(chunks).toString()
  return { status: Number(answer.split(' ', 2)[1]), body: JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)) as Answer['body'] }
}

describe('a request', () => {
  const query = () => signV1(server.key, { Action: 'GetEdgeContainerApp', Version: version, AppId: appId })

  it('may name the whole address, as through a proxy', async () => {
    expect(await talk(`GET ${server.url}/?${query()} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n`)).toMatchObject({ status: 200 })
    expect(await talk(`GET ${server.url}?${query()} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n`)).toMatchObject({ status: 200 })
  })

  it('without a host is answered with an envelope all the same', async () => {
    expect(await talk(`GET /?${query()} HTTP/1.1\r\nconnection: close\r\n\r\n`)).toMatchObject({ status: 200 })
    expect(await talk(`GET /?${query()} HTTP/1.0\r\n\r\n`)).toMatchObject({ status: 200 })
  })

  it('with an expectation that nobody knows is answered with an envelope', async () => {
    const { body } = await talk(`GET /?${query()} HTTP/1.1\r\nhost: h\r\nexpect: wonders\r\nconnection: close\r\n\r\n`)
    expect(body).toHaveProperty('RequestId')
  })
})

/** As the HTTP client of every newer Java sends it, and curl with --http2: an offer to speak HTTP/2, which may be passed over. */
const offer = 'connection: Upgrade, HTTP2-Settings, close\r\nupgrade: h2c\r\nhttp2-settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n'

describe('an offer to speak HTTP/2', () => {
  it('is passed over, and the call is answered', async () => {
    const query = signV1(server.key, { Action: 'GetEdgeContainerApp', Version: version, AppId: appId })
    expect(await talk(`GET /?${query} HTTP/1.1\r\nhost: h\r\n${offer}\r\n`)).toMatchObject({ status: 200, body: { App: { AppId: appId } } })
  })

  it('is passed over with a body, too', async () => {
    const form = signV1(server.key, { Action: 'GetEdgeContainerApp', Version: version, AppId: appId }, 'POST')
    const head = `POST / HTTP/1.1\r\nhost: h\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: ${form.length}\r\n`
    expect(await talk(`${head}${offer}\r\n${form}`)).toMatchObject({ status: 200, body: { App: { AppId: appId } } })
  })

  it('may be made again and again on one connection, without anything piling up', async () => {
    const warnings: string[] = []
    const warned = (warning: Error) => void warnings.push(warning.message)
    process.on('warning', warned)
    const { hostname, port } = new URL(server.url)
    const socket = connect(Number(port), hostname)
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
    const many = 30
    for (let asked = 1; asked <= many; asked++) {
      const query = signV1(server.key, { Action: 'GetEdgeContainerApp', Version: version, AppId: appId })
      socket.write(`GET /?${query} HTTP/1.1\r\nhost: h\r\n${offer.replace(', close', '')}\r\n`)
      await until(`answer ${asked}`, 10_000, () => (text.split('HTTP/1.1 200').length > asked ? true : undefined))
    }
    socket.destroy()
    process.off('warning', warned)
    expect(warnings).toEqual([])
  })
})
