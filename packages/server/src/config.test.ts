// Environment → configuration, and the sentences for what cannot be used.
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { agentReference } from '../../agent/src/config.ts'
import { engineVariables } from '../../agent/src/runtime/engine/settings.ts'
import { trialVariable } from '../../agent/src/upgrade/launch.ts'
import { configReference, readConfig, unknownVariables } from './config.ts'
import { defaultSettings } from './domain/settings.ts'

describe('the configuration', () => {
  it('has a usable default for everything', () => {
    expect(readConfig({ PATH: '/bin', LITTORAL_DATA: '' })).toEqual({
      listen: { host: '127.0.0.1', port: 8080 },
      dataFolder: resolve('.littoral'),
      settings: defaultSettings,
    })
  })

  it('takes every value from the environment', () => {
    const config = readConfig({
      LITTORAL_LISTEN: '[::1]:0',
      LITTORAL_DATA: '/srv/littoral',
      LITTORAL_ACCESS_KEY_ID: 'LTAIexample',
      LITTORAL_ACCESS_KEY_SECRET: 'a-long-secret',
      LITTORAL_REGIONS: 'zhejiang:huadong, fujian:huadong:telecom',
      LITTORAL_THROTTLE: 'off',
      LITTORAL_STRICT_SERVICE_PORTS: 'on',
      LITTORAL_HEARTBEAT_MS: '500',
      LITTORAL_LEFTOVER_DAYS: '0',
      LITTORAL_LIMIT_VERSIONS_PER_APP: '7',
    })
    expect(config).toMatchObject({
      listen: { host: '::1', port: 0 },
      dataFolder: '/srv/littoral',
      rootKey: { accessKeyId: 'LTAIexample', accessKeySecret: 'a-long-secret' },
      settings: {
        isThrottled: false,
        hasStrictServicePorts: true,
        heartbeatMs: 500,
        leftoversKeptMs: 0,
        limits: { ...defaultSettings.limits, versionsPerApp: 7 },
      },
    })
    expect(config.settings.regions).toEqual([
      { code: 'zhejiang', area: 'huadong' },
      { code: 'fujian', area: 'huadong', isp: 'telecom' },
    ])
  })

  it('takes a bucket for objects', () => {
    const env = {
      LITTORAL_OBJECTS_KEY_ID: 'id',
      LITTORAL_OBJECTS: 's3://packages?endpoint=http://10.0.0.1:9000',
      LITTORAL_OBJECTS_SECRET: 'secret',
    }
    expect(readConfig(env).objects).toEqual({
      location: { bucket: 'packages', prefix: '', endpoint: 'http://10.0.0.1:9000', region: 'us-east-1', style: 'path' },
      key: { accessKeyId: 'id', secret: 'secret' },
    })
  })

  it.each([
    [{ LITTORAL_OBJECTS: '/srv/objects' }, 'LITTORAL_OBJECTS must be such as s3://bucket/prefix?endpoint='],
    [
      { LITTORAL_OBJECTS: 's3://packages', LITTORAL_OBJECTS_KEY_ID: 'id' },
      'LITTORAL_OBJECTS, LITTORAL_OBJECTS_KEY_ID and LITTORAL_OBJECTS_SECRET must be given together.',
    ],
    [{ LITTORAL_LISTEN: '8080' }, 'LITTORAL_LISTEN must be host:port such as 127.0.0.1:8080, not 8080.'],
    [{ LITTORAL_LISTEN: 'localhost:70000' }, 'LITTORAL_LISTEN must be host:port such as 127.0.0.1:8080, not localhost:70000.'],
    [{ LITTORAL_THROTTLE: 'maybe' }, 'LITTORAL_THROTTLE must be on or off, not maybe.'],
    [{ LITTORAL_HEARTBEAT_MS: '5' }, 'LITTORAL_HEARTBEAT_MS must be a whole number from 100 to 600000, not 5.'],
    [{ LITTORAL_SQLITE_DRIVER: 'sqlite4' }, 'LITTORAL_SQLITE_DRIVER must be better-sqlite3 or libsql, not sqlite4.'],
    [{ LITTORAL_REGIONS: 'zhejiang' }, 'LITTORAL_REGIONS must be a list such as zhejiang:huadong,fujian:huadong, not zhejiang.'],
    [{ LITTORAL_ACCESS_KEY_ID: 'STS.key' }, 'LITTORAL_ACCESS_KEY_ID must not begin with STS., which only keys for a time do.'],
    [{ LITTORAL_ACCESS_KEY_ID: 'LTAIx' }, 'LITTORAL_ACCESS_KEY_ID and LITTORAL_ACCESS_KEY_SECRET must be given together.'],
    [
      { LITTORAL_ACCESS_KEY_ID: 'LTAIx', LITTORAL_ACCESS_KEY_SECRET: 'with blank' },
      'LITTORAL_ACCESS_KEY_SECRET must be 8 to 256 printable characters without blanks.',
    ],
  ])('says what is wrong with %o', (env, sentence) => {
    expect(() => readConfig(env)).toThrow(sentence)
  })

  it('knows where images without a registry come from', () => {
    expect(readConfig({}).settings.defaultRegistry).toBe('docker.io')
    expect(readConfig({ LITTORAL_DEFAULT_REGISTRY: 'Mirror.example:5000' }).settings.defaultRegistry).toBe('mirror.example:5000')
    expect(readConfig({ LITTORAL_DEFAULT_REGISTRY: 'none' }).settings).not.toHaveProperty('defaultRegistry')
    expect(() => readConfig({ LITTORAL_DEFAULT_REGISTRY: 'mirror' })).toThrow('LITTORAL_DEFAULT_REGISTRY must be a host such as docker.io')
  })

  it('knows where logs flow to, and repeats no secret of it', () => {
    const sink = { LITTORAL_LOG_SINK: 'otlp+http://127.0.0.1:4318', LITTORAL_LOG_SINK_HEADERS: 'Authorization=Bearer%20abc' }
    expect(readConfig(sink).settings.logSink).toEqual({ address: sink.LITTORAL_LOG_SINK, headers: sink.LITTORAL_LOG_SINK_HEADERS })
    expect(() => readConfig({ LITTORAL_LOG_SINK: 'ftp://user:secret@x' })).toThrow(/^LITTORAL_LOG_SINK must be file:(?!.*secret)/)
    expect(() => readConfig({ ...sink, LITTORAL_LOG_SINK_HEADERS: 'secret' })).toThrow(
      /^LITTORAL_LOG_SINK_HEADERS must be a list(?!.*secret)/,
    )
    expect(() => readConfig({ LITTORAL_LOG_SINK_HEADERS: 'A=b' })).toThrow(
      'LITTORAL_LOG_SINK_HEADERS is of use with LITTORAL_LOG_SINK only.',
    )
  })

  it('notices names that it does not know', () => {
    expect(unknownVariables({ LITTORAL_THROTTEL: 'off', LITTORAL_THROTTLE: 'off', HOME: '/' })).toEqual(['LITTORAL_THROTTEL'])
  })

  it('notices no name that means something to the agent or the command line', async () => {
    const root = join(import.meta.dirname, '../..')
    const read = (text: string) => text.match(/LITTORAL_\w*[A-Z0-9]/g) ?? []
    const agent = [...read(agentReference()), ...engineVariables.map(({ name }) => name), trialVariable]
    const own = await Promise.all(['cli/src/profile.ts', 'agent/src/life.ts'].map((path) => readFile(join(root, path), 'utf8')))
    const names = [...agent, ...own.flatMap(read)]
    expect(names).toEqual(
      expect.arrayContaining(['LITTORAL_ENDPOINT', 'LITTORAL_SERVER', 'LITTORAL_SUPERVISOR', 'LITTORAL_DRIVER_IMAGE_C']),
    )
    expect(unknownVariables({ ...Object.fromEntries(names.map((name) => [name, 'x'])), LITTORAL_ENDPOINTS: 'x' })).toEqual([
      'LITTORAL_ENDPOINTS',
    ])
  })

  it('documents every variable it reads', () => {
    const text = configReference()
    for (const name of ['LITTORAL_LISTEN', 'LITTORAL_ACCESS_KEY_SECRET', 'LITTORAL_LIMIT_PACKAGE_BYTES'])
      expect(text).toContain(`\`${name}\``)
  })
})
