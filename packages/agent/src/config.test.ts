import { describe, expect, it } from 'vitest'
import { agentUsage, parseConfig } from './config.ts'

const minimal = ['--server', 'http://127.0.0.1:8080']

describe('the configuration', () => {
  it('has usable defaults for everything but the server', () => {
    expect(parseConfig(minimal, {})).toMatchObject({
      region: 'zhejiang',
      environments: ['prod', 'staging'],
      runtimes: ['engine', 'process'],
      edgeVersion: '2.9.7',
      driverMemoryBytes: 1024 * 1024 * 1024,
      driverUser: 'own',
    })
    expect(parseConfig([...minimal, '--driver-user', '70000-70100', '--driver-memory', '64'], {})).toMatchObject({
      driverMemoryBytes: 64 * 1024 * 1024,
      driverUser: { first: 70_000, last: 70_100 },
    })
  })

  it('comes from the environment where no flag is given', () => {
    const environment = { LITTORAL_SERVER: 'https://one.example', LITTORAL_TOKEN: 'ljt_abc', LITTORAL_ENVIRONMENT: 'staging' }
    const config = parseConfig(['--server', 'https://two.example'], environment)
    expect(config.server.href).toBe('https://two.example/')
    expect(config.joinWith).toEqual({ kind: 'token', token: 'ljt_abc' })
    expect(config.environments).toEqual(['staging'])
  })

  it('knows a gateway', () => {
    const config = parseConfig([...minimal, '--gateway', 'pk/gate-1', '--secret', 's3'], {})
    expect(config.joinWith).toEqual({ kind: 'gateway', productKey: 'pk', deviceName: 'gate-1', deviceSecret: 's3' })
  })

  it('knows a log sink of its own', () => {
    const environment = { LITTORAL_LOG_SINK: 'file:/var/log/river', LITTORAL_LOG_SINK_HEADERS: 'A=b' }
    expect(parseConfig(minimal, environment)).toMatchObject({
      logSink: { address: 'file:/var/log/river', headers: 'A=b' },
      logSpoolBytes: 64 << 20,
    })
    expect(parseConfig([...minimal, '--log-spool', '5'], {})).toMatchObject({ logSpoolBytes: 5 << 20 })
    expect(parseConfig(minimal, {})).not.toHaveProperty('logSink')
  })

  it.each([
    [[], '--server is missing: give the address of the server, such as --server http://127.0.0.1:8080.'],
    [['--server', 'nonsense'], '--server must be an http or https address such as https://littoral.example.com, not "nonsense".'],
    [['--server', 'ftp://x'], '--server must be an http or https address such as https://littoral.example.com, not "ftp://x".'],
    [[...minimal, '--server='], '--server must not be empty.'],
    [[...minimal, '--token', 'abc'], '--token must be a join token, which begins with ljt_.'],
    [
      [...minimal, '--token', 'ljt_a', '--gateway', 'p/d', '--secret', 's'],
      '--token and --gateway exclude each other: a node joins in one way.',
    ],
    [[...minimal, '--gateway', 'pk'], '--gateway must be PRODUCTKEY/DEVICENAME, not "pk".'],
    [[...minimal, '--gateway', 'pk/d'], '--gateway needs --secret, the device secret, or LITTORAL_GATEWAY_SECRET.'],
    [[...minimal, '--secret', 's'], '--secret is of use with --gateway only.'],
    [[...minimal, '--driver-memory', '8'], '--driver-memory must be from 16 to 1048576 MB, not "8".'],
    [[...minimal, '--driver-user', '0-10'], '--driver-user must be own, agent or a range of user ids such as 61000-61183, not "0-10".'],
    [[...minimal, '--environment', 'test'], '--environment must be prod or staging, not "test"; leave it out to serve both.'],
    [[...minimal, '--runtime', 'docker'], '--runtime must be a list of engine, process or memory, not "docker".'],
    [[...minimal, '--runtime', 'memory,engine'], '--runtime memory only pretends and cannot be combined with others.'],
    [[...minimal, '--runtime', 'engine,engine'], '--runtime names one runtime twice: "engine,engine".'],
    [[...minimal, '--edge-version', '2.x'], '--edge-version must be up to four numbers with dots such as 2.9.7, not "2.x".'],
    [[...minimal, '--address', 'eth0'], '--address must be an IP address of this machine such as 192.168.1.20, not "eth0".'],
    [[...minimal, '--name', 'two words'], '--name must be at most 128 characters without spaces, not "two words".'],
    [[...minimal, '--log-sink', 'nowhere'], /^--log-sink must be file:\/path, an http or https address/],
    [[...minimal, '--log-sink-headers', 'A=b'], '--log-sink-headers is of use with --log-sink only.'],
    [[...minimal, '--log-spool', '0'], '--log-spool must be a whole number of MiB from 1 to 999999, not "0".'],
    [[...minimal, '--nonsense', '1'], "Unknown option '--nonsense'; see --help."],
    [[...minimal, 'stray'], /^Unexpected argument 'stray'/],
  ])('complains of %j in one sentence', (args, sentence) => {
    expect(() => parseConfig(args, {})).toThrow(sentence)
  })

  it('is described flag by flag', () => {
    for (const flag of ['--server URL', '--data DIR', '--token TOKEN', '--gateway PK/DN', '--edge-version VERSION'])
      expect(agentUsage()).toContain(flag)
  })
})
