// What an incident may show: no secret, a difference that can be read, bounds that hold.
import { describe, expect, it } from 'vitest'
import type { Incident } from '@littoral/contract/node/incident'
import { maxIncidentBytes } from '@littoral/contract/node/protocol'
import { container, driver, group } from '../test-workloads.ts'
import { withinBounds } from './capture.ts'
import { hideArguments, maskFor } from './mask.ts'
import { specChanges, specPlaces } from './spec-places.ts'

const env = [
  { name: 'DB_PASSWORD', value: 'hunter2' },
  { name: 'GREETING', value: 'hello world' },
  { name: 'LEVEL', value: 'info' },
  { name: 'KEY_FILE', value: 'first line of a key\nsecond line of a key' },
]

describe('the mask', () => {
  const mask = maskFor([group({ containers: [container({ env })] })])

  it('puts the name of a variable in the place of its value', () => {
    expect(mask('cannot log in with hunter2 (hello world)')).toBe('cannot log in with [DB_PASSWORD] ([GREETING])')
    expect(mask('first line of a key is wrong')).toBe('[KEY_FILE] is wrong')
  })

  it('leaves short words alone that no name calls a secret', () => {
    expect(mask('info: started')).toBe('info: started')
  })

  it('hides the longer of two values whole', () => {
    const two = [
      { name: 'SHORT_TOKEN', value: 'abc' },
      { name: 'LONG_TOKEN', value: 'abcdef' },
    ]
    expect(maskFor([group({ containers: [container({ env: two })] })])('xabcdefx')).toBe('x[LONG_TOKEN]x')
  })

  it.each([
    ['--password=geheim --port=80', '--password=[hidden] --port=80'],
    ['curl -H "Authorization: Bearer" --token geheim x', 'curl -H "Authorization: [hidden]" --token [hidden] x'],
    ['postgres://app:geheim@db:5432/x', 'postgres://app:[hidden]@db:5432/x'],
    ['{"password":"geheim"}', '{"password":"[hidden]"}'],
    ['Authorization: Bearer geheim', 'Authorization: Bearer [hidden]'],
    ['GET /index.html 200', 'GET /index.html 200'],
  ])('hides what %s gives away by itself', (text, hidden) => expect(hideArguments(text)).toBe(hidden))
})

describe('the difference between two versions', () => {
  const before = group({ containers: [container({ env, image: 'shop/web:1', args: ['--password=a1b2'] })] })

  it('names the places, and of variables only which of them changed', () => {
    const changed = env.map((variable) => (variable.name === 'DB_PASSWORD' ? { ...variable, value: 'another' } : variable))
    const after = group({
      version: 'ver-2',
      containers: [
        container({ env: [...changed, { name: 'NEW', value: 'brand new value' }], image: 'shop/web:2', args: ['--password=c3d4'] }),
      ],
    })
    const { changes } = specChanges(specPlaces(before, 'k'), specPlaces(after, 'k'))
    expect(changes).toEqual([
      { path: 'containers.web.image', before: 'shop/web:1', after: 'shop/web:2' },
      { path: 'containers.web.env.DB_PASSWORD', before: '[hidden, another]', after: '[hidden, another]' },
      { path: 'containers.web.env.NEW', after: '[hidden]' },
    ])
  })

  it('holds no value of a variable, header, argument or configuration anywhere', () => {
    const probe = {
      ...{ type: 'httpGet' as const, port: 80, initialDelaySeconds: 0, timeoutSeconds: 1, periodSeconds: 1, successThreshold: 1 },
      ...{ failureThreshold: 1, headers: [{ name: 'X-Key', value: 'header-secret' }] },
    }
    const texts = [
      JSON.stringify(
        specPlaces(group({ containers: [container({ env, probe, args: ['--password=a1b2', '--token', 'c3d4', 'hello world'] })] }), 'k'),
      ),
      JSON.stringify(specPlaces(driver({ config: '{"config":{"json":{"pin":"config-secret"}}}' }), 'k')),
    ].join()
    for (const secret of ['hunter2', 'hello world', 'second line', 'header-secret', 'a1b2', 'c3d4', 'config-secret'])
      expect(texts).not.toContain(secret)
    expect(texts).toContain('containers.web.env.DB_PASSWORD')
  })

  it('is empty for the same, and cut where it would have no end', () => {
    expect(specChanges(specPlaces(before, 'k'), specPlaces(before, 'k'))).toEqual({ changes: [], isCut: false })
    const many = group({ containers: [container({ env: Array.from({ length: 512 }, (_, at) => ({ name: `V${at}`, value: `v${at}` })) })] })
    const { changes, isCut } = specChanges(specPlaces(before, 'k'), specPlaces(many, 'k'))
    expect(changes).toHaveLength(200)
    expect(isCut).toBe(true)
  })
})

it('a capsule with more lines than fit keeps the newest ones', () => {
  const lines = Array.from({ length: 200 }, (_, at) => `${at} ${'"'.repeat(900)}`)
  const one = { name: 'web', state: 'exited' as const, restarts: 0, probes: [] }
  const incident: Incident = {
    ...{ id: 'inc-0000000000000001', key: 'k', version: 'v', digest: 'd', kind: 'failed', reason: { code: 'X', message: 'x' }, atMs: 1 },
    ...{
      restarts: 0,
      containers: [
        { ...one, lines },
        { ...one, name: 'side', lines: ['quiet'] },
      ],
      attempts: [],
      changes: [],
      isCut: false,
    },
  }
  const bounded = withinBounds(incident)
  expect(Buffer.byteLength(JSON.stringify(bounded))).toBeLessThanOrEqual(maxIncidentBytes)
  expect(bounded.isCut).toBe(true)
  expect(bounded.containers[0]?.lines.at(-1)).toBe(lines.at(-1))
  expect(bounded.containers[1]?.lines).toEqual(['quiet'])
  expect(withinBounds({ ...incident, containers: [{ ...one, lines: ['x'] }] }).isCut).toBe(false)
})
