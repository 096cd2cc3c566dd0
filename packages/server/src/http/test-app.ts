// A server over families that tests make up: a plain one and one with the iot envelope, a clock that moves only when told,
// and keys whose secrets are known. No store: what is behind a handler is not what these tests are about.
import type { AnyOperation, Family } from '@littoral/contract/operation'
import { encode, type Pair } from '@littoral/contract/wire/canonical'
import { signV1, signV3 } from '@littoral/contract/wire/signature'
import { Fault } from '@littoral/contract/errors'
import type { Context, Log, Services } from '../operations/context.ts'
import { type AppOptions, createApp } from './app.ts'
import type { Credential } from './authenticate.ts'
import { createMemoryNonces } from './nonces.ts'
import { createRegistry, type ServedFamily } from './registry.ts'

export const startMs = Date.parse('2026-11-22T01:32:53Z')
export const rootKey = { accessKeyId: 'testid', secret: 'testsecret' }
const permanent = { accountId: '1000000000000001', isActive: true, kind: 'root' } as const
export const knownCredentials: ReadonlyMap<string, Credential> = new Map<string, Credential>([
  ['testid', { ...permanent, secret: 'testsecret' }],
  ['YourAccessKeyId', { ...permanent, secret: 'YourAccessKeySecret' }],
  ['inactive', { ...permanent, secret: 'testsecret', isActive: false }],
  [
    'STS.NTtestSessionAk',
    {
      ...permanent,
      secret: 'testSessionSecret',
      securityToken: 'CAIS+test/Token==with+plus/and=equals~*',
      expiresAtMs: startMs + 3_600_000,
    },
  ],
])

// Written by hand: typebox is the contract's, and only its output counts here.
const text = { type: 'string' }
const object = (properties: object, required: readonly string[] = []) => ({ type: 'object', properties, required })
const listOf = (items: object, rest: object = {}) => ({ type: 'array', items, ...rest })
const json = (contentSchema: object) => ({ ...text, contentMediaType: 'application/json', contentSchema })

const described = { summary: 'Says what it was asked.', access: 'get', errors: [], example: { input: {}, output: {} } } as const

function declare(action: string, rest: Partial<AnyOperation>): AnyOperation {
  return { ...described, action, input: object({}), output: object({}), ...rest }
}

const operations = {
  Echo: declare('Echo', {
    access: 'create',
    input: object(
      {
        Name: { ...text, minLength: 2, maxLength: 8, fault: 'InvalidParameter.Name' },
        Size: { type: 'integer', minimum: 1, maximum: 9 },
        Configs: listOf(object({ Key: text, Content: text }, ['Key']), { maxItems: 3 }),
        Mode: { enum: ['prod', 'staging'] },
        Note: text,
        Text: json(listOf(object({ format: text }, ['format']))),
        Outcome: text,
      },
      ['Name'],
    ),
    output: object({ Input: {}, List: listOf(object({ Id: { type: 'integer' } }), { xmlItem: 'Entry' }), Tags: listOf(text) }),
  }),
  Limited: declare('Limited', { callsPerSecond: 2 }),
  Formatted: declare('Formatted', { input: object({ Format: text }, ['Format']), output: object({ Input: {} }) }),
}

async function echo(input: { Outcome?: string }, context: Context): Promise<object> {
  switch (input.Outcome) {
    case 'fault':
      throw new Fault('InvalidApp.NotFound', { AppId: 'app-1' })
    case 'business':
      throw new Fault('iot.common.InvalidParam', { Detail: 'No.' })
    case 'crash':
      throw new Error('the database said: password hunter2')
    case 'wrong':
      return { Tags: [1] }
    default:
      return { Input: { ...input, origin: context.origin }, List: [{ Id: 1 }, { Id: 2 }], Tags: ['a<b', 'c'] }
  }
}
const handlers = { Echo: echo, Limited: async () => ({}), Formatted: async (input: object) => ({ Input: input }) }

export const plainVersion = '2024-09-10'
export const iotVersion = '2018-01-20'
const plain: Family = { product: 'esa', version: plainVersion, title: '', envelope: 'plain', invalid: 'InvalidParameter', operations }
const iot: Family = {
  ...plain,
  product: 'iot',
  version: iotVersion,
  envelope: 'iot',
  invalid: 'iot.common.InvalidParam',
  missing: 'Missing',
}
export const testFamilies: readonly ServedFamily[] = [
  { family: plain, handlers },
  { family: iot, handlers },
]

/** Families in which every one of these operations exists, takes anything and answers nothing. */
export function anything(names: readonly { version: string; action: string }[]): ServedFamily[] {
  const versions = [...new Set(names.map(({ version }) => version))]
  return versions.map((version) => {
    const asked = names.filter((name) => name.version === version)
    const actions = [...new Set(asked.map(({ action }) => action))]
    const declared = Object.fromEntries(actions.map((action) => [action, declare(action, {})]))
    return {
      family: { ...plain, version, operations: declared },
      handlers: Object.fromEntries(actions.map((action) => [action, async () => ({})])),
    }
  })
}

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error'
  readonly fields: Record<string, unknown>
  readonly message: string
}

export interface TestApp {
  readonly app: ReturnType<typeof createApp>
  readonly clock: { nowMs: number }
  readonly lines: LogLine[]
}

export function testApp(options: Partial<AppOptions> & { families?: readonly ServedFamily[] } = {}): TestApp {
  const clock = { nowMs: startMs }
  const lines: LogLine[] = []
  const line =
    (level: LogLine['level']): Log['info'] =>
    (fields, message) => {
      lines.push({ level, fields: fields as LogLine['fields'], message })
    }
  const now = () => clock.nowMs
  let last = 0
  const services = {
    now,
    ids: { uuid: () => `00000000-0000-4000-8000-${String((last += 1)).padStart(12, '0')}` },
    log: { info: line('info'), warn: line('warn'), error: line('error') },
    settings: { isThrottled: true },
    store: {},
  } as unknown as Services
  const app = createApp({
    services,
    registry: createRegistry(options.families ?? testFamilies),
    credentials: { find: async (id) => knownCredentials.get(id) },
    nonces: createMemoryNonces(now),
    ...options,
  })
  return { app, clock, lines }
}

let nonce = 0
const freshNonce = () => `nonce-${(nonce += 1)}`
const isoSeconds = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')

export function toQuery(pairs: readonly Pair[]): string {
  return pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&')
}

/** The query of a V1 GET, as pop-core would send it. */
export function v1Query(parameters: Record<string, string>, options: { nowMs?: number; method?: string } = {}): string {
  const all = {
    AccessKeyId: rootKey.accessKeyId,
    Version: plainVersion,
    Timestamp: isoSeconds(options.nowMs ?? startMs),
    SignatureNonce: freshNonce(),
    SignatureMethod: 'HMAC-SHA1',
    SignatureVersion: '1.0',
    ...parameters,
  }
  const signature = signV1(options.method ?? 'GET', Object.entries(all), rootKey.secret)
  return toQuery([...Object.entries(all), ['Signature', signature]])
}

export interface V3Call {
  readonly action: string
  readonly version?: string
  readonly method?: 'GET' | 'POST'
  readonly query?: readonly Pair[]
  readonly body?: string
  readonly headers?: Record<string, string>
}

/** An inject() request signed with V3, as the current SDKs would send it. */
export function v3Request({ action, version = plainVersion, method = 'POST', query = [], body = '', headers = {} }: V3Call) {
  const rawQuery = toQuery(query)
  const own: Record<string, string> = {
    host: '127.0.0.1:8080',
    'x-acs-action': action,
    'x-acs-version': version,
    'x-acs-date': isoSeconds(startMs),
    'x-acs-signature-nonce': freshNonce(),
    accept: 'application/json',
    ...(body === '' ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    ...headers,
  }
  return {
    method,
    url: rawQuery === '' ? '/' : `/?${rawQuery}`,
    headers: signV3({ method, path: '/', rawQuery, query, headers: own, body }, rootKey),
    ...(body === '' ? {} : { body }),
  }
}
