// The command line against a real server in this process.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../server/src/config.ts'
import { openServer, type RunningServer } from '../../server/src/server.ts'
import { families } from './families.ts'
import { run } from './run.ts'

let folder: string
let server: RunningServer

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-cli-'))
  const config = readConfig({ LITTORAL_LISTEN: '127.0.0.1:0', LITTORAL_DATA: join(folder, 'data') })
  server = await openServer(config, { log: { info: () => {}, warn: () => {}, error: () => {} } })
})

afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true })
})

async function littoral(args: readonly string[], env: Record<string, string> = { LITTORAL_DATA: join(folder, 'data') }) {
  const out: string[] = []
  const err: string[] = []
  const code = await run(args, { env: { HOME: folder, ...env }, cwd: folder, out: (text) => out.push(text), err: (text) => err.push(text) })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

const json = (text: string) => JSON.parse(text) as Record<string, unknown>

async function createApp(name: string): Promise<string> {
  const made = await littoral(['call', 'CreateEdgeContainerApp', '--Name', name, '--ServicePort', '8080', '--TargetPort', '3000'])
  return String(json(made.out)['AppId'])
}

const containers = JSON.stringify([
  {
    Name: 'web',
    Image: 'nginx:1.27',
    Spec: '1C2G',
    Command: '/bin/sh',
    Args: '-c true',
    IsACRImage: false,
    Storage: '0.5G',
    ProbeType: 'tcpSocket',
    ProbeContent: { Port: 80, InitialDelaySeconds: 1, PeriodSeconds: 2, SuccessThreshold: 1, FailureThreshold: 3, TimeoutSeconds: 1 },
  },
])

describe('call', () => {
  it('takes parameters by name or as one JSON object, and prints the answer as JSON', async () => {
    const named = await littoral(['call', 'CreateNodeToken', '--MaxUses', '3', '--Environment', 'staging'])
    expect([named.code, json(named.out)]).toMatchObject([0, { MaxUses: 3, Token: expect.stringMatching(/^ljt_/) }])
    const whole = await littoral(['call', 'createnodetoken', '--json', '{"MaxUses":3,"ExpiresInSeconds":60}', '--MaxUses', '4'])
    expect(json(whole.out)).toMatchObject({ MaxUses: 4, RequestId: expect.stringMatching(/^[0-9A-F-]{36}$/) })
  })

  it('sends structures in the way each family wants them', async () => {
    const AppId = await createApp('structured')
    const version = await littoral([
      'call',
      'CreateEdgeContainerAppVersion',
      '--AppId',
      AppId,
      '--Name',
      'release-1',
      '--Containers',
      containers,
    ])
    expect(version.code).toBe(0)
    const driver = await littoral([
      'call',
      'CreateEdgeDriver',
      '--DriverName',
      'Led',
      '--DriverProtocol',
      'customize',
      '--Runtime',
      'python3',
    ])
    const DriverId = String(json(driver.out)['DriverId'])
    const found = await littoral(['call', 'BatchGetEdgeDriver', '--DriverIds', DriverId, '--DriverIds', 'none'])
    expect(json(found.out)).toMatchObject({ Success: true, DriverList: [{ DriverId, IsBuiltIn: false }] })
  })

  it('says code, message and request id of a refusal, of both families, and exits with 1', async () => {
    const plain = await littoral(['call', 'GetNode', '--NodeId', 'node-none'])
    expect(plain).toMatchObject({ code: 1, out: '' })
    expect(plain.err).toMatch(/^Node\.NotFound: The node node-none does not exist\.\nRequest id: [0-9A-F-]{36}$/)
    const iot = await littoral(['call', 'GetEdgeInstance', '--InstanceId', 'none'])
    expect([iot.code, iot.err]).toEqual([1, expect.stringMatching(/^iot\.edge\.InstanceNotExist: .+\nRequest id: /)])
  })

  it.each([
    [['call', 'Nothing'], 'There is no operation Nothing'],
    [['call', 'ListNodes', '--Page', '1'], 'ListNodes takes: PageNumber, PageSize.'],
    [['call', 'ListNodes', '--PageSize', '1', '--PageSize', '2'], '--PageSize was given 2 times'],
    [['call', 'ListNodes', '--json', '[1]'], '--json must be an object'],
    [['call', 'CreateEdgeContainerAppVersion', '--Containers', '[{'], '--Containers takes JSON'],
    [['dance'], 'littoral knows no dance'],
    [['versions'], 'Write: littoral versions <AppId>'],
    [['publish', 'a', 'b', '--env', 'test'], '--env must be staging or prod, not test.'],
  ])('does not understand %j, and says what to write', async (args, sentence) => {
    const { code, err } = await littoral(args)
    expect([code, err]).toEqual([2, expect.stringContaining(sentence)])
  })

  it('says in a sentence which parameter it does not know, and how a value with a dash is written', async () => {
    const dotted = await littoral(['call', 'ListNodes', '--Tag.1.Key', 'x'])
    expect([dotted.code, dotted.err]).toEqual([2, "Unknown option '--Tag.1.Key'. ListNodes takes: PageNumber, PageSize."])
    const dashed = await littoral(['call', 'ListNodes', '--PageNumber', '-1'])
    expect([dashed.code, dashed.err]).toEqual([
      2,
      '--PageNumber needs a value; one that begins with a dash is written --PageNumber=-1. ListNodes takes: PageNumber, PageSize.',
    ])
  })

  it('can show every operation of every family', async () => {
    const { out: list } = await littoral(['operations'])
    for (const family of families) {
      for (const { action, summary } of Object.values(family.operations)) {
        expect(list).toContain(`  ${action}\n`)
        expect((await littoral(['call', action, '--help'])).out).toContain(summary)
      }
    }
  })
})

describe('the verbs', () => {
  it('show apps, versions and their state, and publish', async () => {
    const AppId = await createApp('shop-frontend')
    expect((await littoral(['apps'])).out).toMatch(new RegExp(`${AppId} +shop-frontend +8080→3000`))
    const made = await littoral([
      'call',
      'CreateEdgeContainerAppVersion',
      '--AppId',
      AppId,
      '--Name',
      'release-1',
      '--Containers',
      containers,
    ])
    const VersionId = String(json(made.out)['VersionId'])
    expect((await littoral(['versions', AppId])).out).toMatch(new RegExp(`${VersionId} +release-1`))
    expect((await littoral(['publish', AppId, VersionId])).out).toBe(`${VersionId} is being published to staging.`)
    const { out } = await littoral(['status', AppId])
    expect(out).toMatch(/staging +deploying +publishing/)
    expect(out).toMatch(/prod +undeploy/)
    expect((await littoral(['logs', AppId])).code).toBe(0)
  })

  it('list nodes, drivers and instances, and make tokens', async () => {
    expect((await littoral(['nodes'])).out).toMatch(/^NODE +NAME +STATE/)
    expect((await littoral(['drivers'])).out).toMatch(/^DRIVER[^]+\nINSTANCE/)
    const { out } = await littoral(['token', '--uses', '2', '--expires-in', '60'])
    expect(out).toMatch(/^ljt_\w{40}\nGood for 2 node\(s\) until .+:\n {2}littoral agent --server http:\/\/127\.0\.0\.1:\d+ --token ljt_/)
    expect((await littoral(['--help'])).out).toContain('publish <AppId> <VersionId>')
  })
})

describe('the profile', () => {
  const env = {}

  it('comes from flags, the environment, a data folder, or the profile file', async () => {
    const { url, rootKey } = server
    const flags = ['--endpoint', url, '--access-key-id', rootKey.accessKeyId, '--access-key-secret', rootKey.accessKeySecret]
    expect((await littoral(['nodes', ...flags], env)).code).toBe(0)
    expect(
      (await littoral(['nodes', '--data', join(folder, 'data')], { LITTORAL_ACCESS_KEY_ID: 'other', LITTORAL_ENDPOINT: 'other:1' })).code,
    ).toBe(0)
    const variables = { LITTORAL_ENDPOINT: new URL(url).host, LITTORAL_ACCESS_KEY_ID: rootKey.accessKeyId }
    expect((await littoral(['nodes'], { ...variables, LITTORAL_ACCESS_KEY_SECRET: rootKey.accessKeySecret })).code).toBe(0)
    await mkdir(join(folder, '.config', 'littoral'), { recursive: true })
    await writeFile(join(folder, '.config', 'littoral', 'profile.json'), JSON.stringify({ endpoint: url, ...rootKey }))
    expect((await littoral(['nodes'], env)).code).toBe(0)
    await rm(join(folder, '.config'), { recursive: true })
  })

  it('is asked for when there is none, and checked', async () => {
    const none = await littoral(['nodes', '--endpoint', 'http://127.0.0.1:1'], env)
    expect([none.code, none.err]).toEqual([2, expect.stringContaining('No access key: give --data')])
    const wrong = await littoral(['nodes', '--access-key-secret', 'wrong'])
    expect([wrong.code, wrong.err]).toEqual([
      1,
      expect.stringMatching(/^SignatureDoesNotMatch: The access key secret is not the right one.*\nRequest id/),
    ])
    const address = await littoral(['nodes', '--endpoint', 'ftp://x'])
    expect([address.code, address.err]).toEqual([2, expect.stringContaining('The endpoint ftp://x is no address')])
    const nobody = await littoral(['nodes', '--endpoint', 'http://127.0.0.1:1'])
    expect([nobody.code, nobody.err]).toEqual([1, expect.stringContaining('No server answers at http://127.0.0.1:1')])
  })
})
