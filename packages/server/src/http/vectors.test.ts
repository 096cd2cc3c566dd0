import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readParameters } from '@littoral/contract/wire/parameters'
import { anything, knownCredentials, testApp } from './test-app.ts'

interface Vector {
  name: string
  scheme: string
  accessKeyId: string
  method: 'GET' | 'POST' | 'PUT'
  path: string
  query: string
  headers: Record<string, string>
  body: string
  serverTime: string
  sendTwice?: boolean
  expectedCode?: string
  expectedHttpStatus?: number
}

const file = new URL('../../../../test/contract/pop-vectors.json', import.meta.url)
const recorded = JSON.parse(readFileSync(file, 'utf8')) as Record<
  'vectors' | 'official' | 'supplementary' | 'controls' | 'negative',
  Vector[]
>
const isRpc = (vector: Vector) => vector.path === '/' && vector.scheme !== 'V1-ROA'
const accepted = [...recorded.vectors, ...recorded.official, ...recorded.supplementary, ...recorded.controls].filter(isRpc)
const signed = accepted.filter((vector) => vector.scheme === 'V1-RPC' || vector.scheme === 'V3')

function nameOf(vector: Vector) {
  const { query, body } = readParameters(vector.query, vector.headers['content-type'] ?? '', Buffer.from(vector.body))
  const parameters = new Map<string, unknown>([...query, ...body])
  const text = (name: string) => parameters.get(name) as string | undefined
  const isV1 = vector.scheme === 'V1-RPC'
  return {
    action: (isV1 ? text('Action') : vector.headers['x-acs-action']) ?? '',
    version: (isV1 ? text('Version') : vector.headers['x-acs-version']) ?? '',
  }
}

const families = anything([...accepted, ...recorded.negative].map(nameOf))

async function send(vector: Vector) {
  const isWrongSecret = vector.name.endsWith('wrong-secret')
  const isInactive = vector.name.endsWith('inactive-key')
  const isOtherToken = vector.name.endsWith('token-mismatch')
  const { app, clock } = testApp({
    families,
    credentials: {
      async find(id) {
        const found = knownCredentials.get(id)
        return (
          found && {
            ...found,
            ...(isWrongSecret && { secret: 'another' }),
            ...(isInactive && { isActive: false }),
            ...(isOtherToken && { securityToken: 'issued with this key' }),
          }
        )
      },
    },
  })
  clock.nowMs = Date.parse(vector.serverTime)
  const { method, query, body } = vector
  const headers = Object.fromEntries(Object.entries(vector.headers).filter(([name]) => name !== 'content-length'))
  const request = { method, url: query === '' ? vector.path : `${vector.path}?${query}`, headers, ...(body !== '' && { body }) }
  const first = await app.inject(request)
  return { first, last: vector.sendTwice ? await app.inject(request) : first }
}

describe('requests of official clients, over HTTP', () => {
  it.each(signed)('answers $name', async (vector) => {
    const { last } = await send(vector)
    expect(last.json()).toEqual({ RequestId: expect.stringMatching(/^[\dA-F-]{36}$/) })
    expect(last.statusCode).toBe(200)
  })

  it.each(accepted.filter((vector) => vector.scheme === 'ANONYMOUS'))('asks for a key where there is none: $name', async (vector) => {
    const { last } = await send(vector)
    expect(last.json()).toMatchObject({ Code: 'MissingAccessKeyId', Message: 'AccessKeyId is mandatory for this action.' })
  })

  it.each(accepted.filter((vector) => vector.scheme === 'BEARER'))('knows no bearer token: $name', async (vector) => {
    const { last } = await send(vector)
    expect(last.json()).toMatchObject({ Code: 'InvalidBearerToken' })
  })

  it.each(recorded.negative)('refuses $name', async (vector) => {
    const { first, last } = await send(vector)
    // Where the same request is sent twice, the first one is right.
    expect(first.statusCode === 200).toBe(vector.sendTwice === true)
    expect(last.json()).toMatchObject({ Code: vector.expectedCode })
    expect(last.statusCode).toBe(vector.expectedHttpStatus)
  })
})
