import { Fault } from '@littoral/contract/errors'
import { describe, expect, it } from 'vitest'
import { type ContainerDraft, newContainers, requireUniqueNames } from './container.ts'
import { parseEnv, requireEnv, parseHeaders, requireImage } from './container-text.ts'

const strict = { isContainerLenient: false }
const web: ContainerDraft = {
  name: 'web',
  image: 'images.example.com/team-a/web:1.4.2',
  isAcrImage: false,
  spec: '1C2G',
  storage: '0.5G',
  probeKind: 'httpGet',
  probe: { port: 3000 },
}

function faultOf(act: () => unknown): { code: string; message: string } {
  try {
    act()
  } catch (error) {
    if (error instanceof Fault) return { code: error.code, message: error.message }
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('a container', () => {
  it('is kept exactly as it was sent', () => {
    const sent: ContainerDraft = {
      ...web,
      command: ' nginx  ',
      args: '-g "daemon off;"',
      env: 'VITE_APP_TITLE=My App, B=',
      postStart: '{"exec":{"command":["a"]}}',
      preStop: '{}',
      probe: { port: 80, httpHeaders: '[{"Content-Type":"application/json"}]', scheme: 'HTTP' },
    }
    expect(newContainers([sent], strict)).toEqual([sent])
  })

  it.each<[string, Partial<ContainerDraft>, string, string]>([
    ['an upper-case name', { name: 'Web' }, 'InvalidParameter', 'Containers[1].Name'],
    ['an empty name', { name: '' }, 'InvalidParameter', 'Containers[1].Name'],
    ['a name that ends in a hyphen', { name: 'web-' }, 'InvalidParameter', 'Containers[1].Name'],
    ['a name of 64 characters', { name: 'w'.repeat(64) }, 'InvalidParameter', 'Containers[1].Name'],
    ['an image with @', { image: 'nginx@sha256:aa' }, 'InvalidParameter.Image', 'Containers[1].Image'],
    ['a tag url with a blank', { acrImage: { tagUrl: 'a b' } }, 'InvalidParameter.Image', 'Containers[1].ACRImageInfo.TagUrl'],
    ['an open quote in the command', { command: '"' }, 'InvalidParameter', 'Containers[1].Command'],
    ['an open quote in the arguments', { args: "'" }, 'InvalidParameter', 'Containers[1].Args'],
    ['a variable without =', { env: 'A=1,B' }, 'InvalidParameter', 'Containers[1].EnvVariables'],
    ['a malformed hook', { postStart: '{"exec":1}' }, 'InvalidParameter', 'Containers[1].PostStart'],
    ['a malformed stop hook', { preStop: '"' }, 'InvalidParameter', 'Containers[1].PreStop'],
    ['exec without Command', { probeKind: 'exec', probe: { port: 1 } }, 'InvalidParameter', 'Containers[1].ProbeContent.Command'],
    ['exec with a blank Command', { probeKind: 'exec', probe: { command: ' ' } }, 'InvalidParameter', 'Containers[1].ProbeContent.Command'],
    ['tcpSocket without Port', { probeKind: 'tcpSocket', probe: {} }, 'InvalidParameter', 'Containers[1].ProbeContent.Port'],
    ['httpGet without Port', { probe: { path: '/' } }, 'InvalidParameter', 'Containers[1].ProbeContent.Port'],
    ['port 0', { probe: { port: 0 } }, 'InvalidParameter', 'Containers[1].ProbeContent.Port'],
    ['port 65536', { probeKind: 'tcpSocket', probe: { port: 65_536 } }, 'InvalidParameter', 'Containers[1].ProbeContent.Port'],
    ['another scheme', { probe: { port: 1, scheme: 'ftp' } }, 'InvalidParameter', 'Containers[1].ProbeContent.Scheme'],
    ['a relative path', { probe: { port: 1, path: 'healthz' } }, 'InvalidParameter', 'Containers[1].ProbeContent.Path'],
    ['a path with a line end', { probe: { port: 1, path: '/a\r\nX: y' } }, 'InvalidParameter', 'Containers[1].ProbeContent.Path'],
    ['a host with a blank', { probe: { port: 1, host: 'a b' } }, 'InvalidParameter', 'Containers[1].ProbeContent.Host'],
    [
      'headers with @',
      { probe: { port: 1, httpHeaders: '{"A":"@"}' } },
      'InvalidParameter.HttpHeaders',
      'Containers[1].ProbeContent.HttpHeaders',
    ],
  ])('is refused with %s', (_what, change, code, path) => {
    const fault = faultOf(() => newContainers([web, { ...web, ...change }], strict))
    expect(fault.code).toBe(code)
    expect(fault.message).toContain(path)
  })

  it('does not look at probe keys of another type', () => {
    const probe = { command: 'cat ready.txt', path: 'not a path', httpHeaders: 'not JSON, with @', port: 0, scheme: 'ftp' }
    expect(() => newContainers([{ ...web, probeKind: 'exec', probe }], strict)).not.toThrow()
    expect(() => newContainers([{ ...web, probeKind: 'tcpSocket', probe: { ...probe, port: 1 } }], strict)).not.toThrow()
  })

  it('needs IsACRImage and Storage, unless the installation is lenient', () => {
    const { isAcrImage: _acr, storage: _storage, ...sample } = web
    expect(faultOf(() => newContainers([sample], strict)).message).toContain('Containers[0].IsACRImage')
    expect(faultOf(() => newContainers([{ ...sample, isAcrImage: true }], strict)).message).toContain('Containers[0].Storage')
    expect(newContainers([sample], { isContainerLenient: true })).toMatchObject([{ isAcrImage: false, storage: '0.5G' }])
  })

  it('has a name of its own within the version', () => {
    const containers = newContainers([web, { ...web, name: 'side' }, web], strict)
    expect(faultOf(() => requireUniqueNames(containers))).toEqual({
      code: 'ParameterAlreadyExist',
      message: expect.stringContaining('Containers[2].Name: web is also the name of Containers[0]'),
    })
    expect(() => requireUniqueNames(containers.slice(0, 2))).not.toThrow()
  })

  it('does not come without any', () => {
    expect(faultOf(() => newContainers([], strict)).message).toContain('Containers')
  })
})

describe('an image reference', () => {
  it.each([
    'nginx',
    'image1',
    'nginx:1.27',
    'library/nginx:1.27-alpine',
    'localhost:5000/a/b:x',
    'registry-vpc.cn-shenzhen.aliyuncs.com/team/eas_app:3.40.2',
    '[::1]:5000/a',
    'a__b/c--d:V_1',
  ])('may be %s', (image) => {
    expect(() => requireImage(image, 'Image')).not.toThrow()
  })

  it.each([
    '',
    '@',
    'a@b',
    'a b',
    'a:',
    'a:b:c',
    'a//b',
    '/a',
    'a/',
    'Nginx',
    'a:ta/g$',
    'https://host/a',
    'a;rm',
    'é',
    'a..b',
    '-a',
    'a\n',
  ])('may not be %j', (image) => {
    expect(faultOf(() => requireImage(image, 'Image')).code).toBe('InvalidParameter.Image')
  })
})

describe('environment variables', () => {
  it.each([
    ['', []],
    ['VITE_APP_TITLE=My App', [['VITE_APP_TITLE', 'My App']]],
    ['A=1,B=x=y', [['A', '1'], ['B', 'x=y']]], // prettier-ignore
    ['A=, B= 2 ', [['A', ''], ['B', ' 2 ']]], // prettier-ignore
    ['A=1,A=2', [['A', '2']]],
    [`${' '.repeat(300)}A =1,ü=2`, [['A', '1'], ['ü', '2']]], // prettier-ignore
  ])('%j means %j', (text, pairs) => {
    expect(parseEnv(text, 'EnvVariables').map(({ name, value }) => [name, value])).toEqual(pairs)
  })

  it.each(['A', '=1', 'A=1,', ' =x', 'A=\0', `${'N'.repeat(257)}=1`, `A=1,${' '.repeat(300)}=1`])('%j is refused', (text) => {
    expect(faultOf(() => requireEnv(text, 'Containers[0].EnvVariables')).message).toContain('Containers[0].EnvVariables')
    expect(faultOf(() => parseEnv(text, 'Containers[0].EnvVariables')).message).toContain('Containers[0].EnvVariables')
  })
})

describe('probe headers', () => {
  it.each([
    ['', []],
    ['[]', []],
    ['{"Accept":"application/json"}', [['Accept', 'application/json']]],
    ['[{"A":"1"},{"B":"2","C":""}]', [['A', '1'], ['B', '2'], ['C', '']]], // prettier-ignore
  ])('%j means %j', (text, pairs) => {
    expect(parseHeaders(text, 'HttpHeaders').map(({ name, value }) => [name, value])).toEqual(pairs)
  })

  it.each([
    'A: b',
    '1',
    'null',
    '["A"]',
    '[[]]',
    '{"A":1}',
    '{"A b":"1"}',
    '{"A":"x\\r\\nB: y"}',
    '{"A":"\u65e5"}',
    '{"":"x"}',
    '{"A":"a@b"}',
  ])('%j are refused', (text) => {
    expect(faultOf(() => parseHeaders(text, 'HttpHeaders')).code).toBe('InvalidParameter.HttpHeaders')
  })
})
