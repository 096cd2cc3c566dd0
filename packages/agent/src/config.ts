// Flags and environment of the agent → typed configuration. One table serves reading and `--help`. Every complaint is one
// sentence that names the flag.
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { parseLogSink, parseSinkHeaders } from '@littoral/contract/node/log-sink'
import { parseSize } from './disk/size.ts'
import type { JoinCredential } from './identity.ts'
import { isVersion } from './requirements.ts'

export type RuntimeName = 'engine' | 'process' | 'memory'

export interface AgentConfig {
  readonly server: URL
  readonly dataDir: string
  readonly joinWith?: JoinCredential
  readonly region: string
  readonly environments: readonly ('prod' | 'staging')[]
  readonly runtimes: readonly RuntimeName[]
  readonly name: string
  readonly edgeVersion: string
  /** The only address that the ports of workloads are opened on. */
  readonly address?: string
  /** Of this node's log river; absent: the one the server names. Checked, and kept as it was written. */
  readonly logSink?: { readonly address: string; readonly headers?: string }
  readonly logSpoolBytes: number
  /** What images and packages may take; absent: as much as leaves the reserve of the disk free. */
  readonly diskBudgetBytes?: number
  readonly driverMemoryBytes: number
  /** Whom driver processes run as; see runtime/process/users.ts. */
  readonly driverUser: 'own' | 'agent' | { readonly first: number; readonly last: number }
}

/** A flag that cannot be used; the message is one sentence for the operator. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

interface Flag {
  readonly variable: string
  readonly hint: string
  readonly usual?: string
  readonly meaning: string
}

const flags = {
  server: { variable: 'LITTORAL_SERVER', hint: 'URL', meaning: 'Address of the server, such as https://littoral.example.com.' },
  data: { variable: 'LITTORAL_AGENT_DATA', hint: 'DIR', usual: '.littoral-agent', meaning: 'Folder for what this node must remember.' },
  token: { variable: 'LITTORAL_TOKEN', hint: 'TOKEN', meaning: 'Join token; needed once, the node gets its own secret for it.' },
  gateway: {
    variable: 'LITTORAL_GATEWAY',
    hint: 'PK/DN',
    meaning: 'Product key and device name of the gateway this machine is; needs --secret.',
  },
  secret: {
    variable: 'LITTORAL_GATEWAY_SECRET',
    hint: 'SECRET',
    meaning: 'Device secret of the gateway; better given in the environment.',
  },
  region: { variable: 'LITTORAL_REGION', hint: 'REGION', usual: 'zhejiang', meaning: 'Region of the installation this node counts to.' },
  environment: { variable: 'LITTORAL_ENVIRONMENT', hint: 'ENV', meaning: 'prod or staging; without it the node serves both.' },
  runtime: {
    variable: 'LITTORAL_RUNTIME',
    hint: 'LIST',
    usual: 'engine,process',
    meaning: 'What runs workloads: engine, process or both; or memory, which only pretends.',
  },
  name: { variable: 'LITTORAL_NODE_NAME', hint: 'NAME', meaning: 'Name of the node; the host name unless given.' },
  'edge-version': {
    variable: 'LITTORAL_EDGE_VERSION',
    hint: 'VERSION',
    usual: '2.9.7',
    meaning: 'Edge version that driver versions are compared with.',
  },
  address: {
    variable: 'LITTORAL_ADDRESS',
    hint: 'ADDRESS',
    meaning: 'The only IP address of this machine on which applications are opened; all of them unless given.',
  },
  'log-sink': {
    variable: 'LITTORAL_LOG_SINK',
    hint: 'URL',
    meaning: 'Where collected logs go: file:/path, http(s)://… or otlp+http(s)://…; without it where the server says.',
  },
  'log-sink-headers': {
    variable: 'LITTORAL_LOG_SINK_HEADERS',
    hint: 'LIST',
    meaning: 'Headers for --log-sink, such as Authorization=Bearer%20abc; better given in the environment.',
  },
  'log-spool': {
    variable: 'LITTORAL_LOG_SPOOL',
    hint: 'MIB',
    usual: '64',
    meaning: 'Disk for logs that the sink has not taken yet, in MiB; the oldest make room.',
  },
  'disk-budget': {
    variable: 'LITTORAL_DISK_BUDGET',
    hint: 'SIZE',
    meaning:
      'What images and packages may take, such as 20G. Without it: as much as leaves a tenth of the disk free (10G of a large one). What was not needed for the longest time goes first.',
  },
  'driver-memory': {
    variable: 'LITTORAL_DRIVER_MEMORY',
    hint: 'MB',
    usual: '1024',
    meaning: 'Memory a driver may take, in MB; one that takes more is ended and started again.',
  },
  'driver-user': {
    variable: 'LITTORAL_DRIVER_USER',
    hint: 'USER',
    usual: 'own',
    meaning:
      "Whom driver processes run as. own: each as a user of its own where the agent is root and that is possible; a range of user ids such as 61000-61183: the same, but nothing is started where it is not possible; agent: all as the agent's user.",
  },
} satisfies Record<string, Flag>

type FlagName = keyof typeof flags
type Values = Partial<Record<FlagName, string>>

export function agentUsage(): string {
  const lines = Object.entries<Flag>(flags).map(([name, { hint, usual, variable, meaning }]) => {
    return `  --${`${name} ${hint}`.padEnd(22)} ${meaning} [${variable}${usual === undefined ? '' : `, else ${usual}`}]`
  })
  const verbs = 'littoral agent --server URL --token TOKEN\nlittoral agent install --help\nlittoral agent uninstall --help'
  return `Runs what the server wants on this machine, which becomes a node.\n\n${verbs}\n\n${lines.join('\n')}\n`
}

/** Every flag with its variable, usual value and meaning, as a Markdown table. */
export function agentReference(): string {
  const rows = Object.entries<Flag>(flags).map(([name, { hint, usual, variable, meaning }]) => {
    return `| \`--${name} ${hint}\` | \`${variable}\` | ${usual === undefined ? '' : `\`${usual}\``} | ${meaning} |`
  })
  return ['| Argument | Variable | Default | Meaning |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

/** What these arguments say, as the variables that say the same; for an environment file. Throws ConfigError. */
export function toVariables(args: readonly string[]): Record<string, string> {
  parseConfig(args, {})
  const values = readValues(args, {})
  return Object.fromEntries((Object.keys(values) as FlagName[]).map((name) => [flags[name].variable, values[name] ?? '']))
}

/** Throws ConfigError. */
export function parseConfig(args: readonly string[], environment: NodeJS.ProcessEnv): AgentConfig {
  const values = readValues(args, environment)
  const joinWith = parseJoin(values)
  return {
    server: parseServer(values.server),
    dataDir: resolve(values.data ?? flags.data.usual),
    ...(joinWith ? { joinWith } : {}),
    region: parseWord('region', values.region ?? flags.region.usual, 64),
    environments: parseEnvironments(values.environment),
    runtimes: parseRuntimes(values.runtime ?? flags.runtime.usual),
    name: parseWord('name', values.name ?? hostname(), 128),
    edgeVersion: parseEdgeVersion(values['edge-version'] ?? flags['edge-version'].usual),
    driverMemoryBytes: parseMegabytes(values['driver-memory'] ?? flags['driver-memory'].usual),
    driverUser: parseDriverUser(values['driver-user'] ?? flags['driver-user'].usual),
    ...(values.address === undefined ? {} : { address: parseAddress(values.address) }),
    ...parseRiver(values),
    ...parseDiskBudget(values['disk-budget']),
  }
}

function parseRiver(values: Values): Pick<AgentConfig, 'logSink' | 'logSpoolBytes'> {
  const { 'log-sink': address, 'log-sink-headers': headers, 'log-spool': size = flags['log-spool'].usual } = values
  if (!/^\d{1,6}$/.test(size) || Number(size) < 1)
    throw new ConfigError(`--log-spool must be a whole number of MiB from 1 to 999999, not "${size}".`)
  const logSpoolBytes = Number(size) * 1024 * 1024
  if (address === undefined) {
    if (headers !== undefined) throw new ConfigError('--log-sink-headers is of use with --log-sink only.')
    return { logSpoolBytes }
  }
  checked('log-sink', () => parseLogSink(address))
  if (headers !== undefined) checked('log-sink-headers', () => parseSinkHeaders(headers))
  return { logSink: { address, ...(headers !== undefined && { headers }) }, logSpoolBytes }
}

function checked(flag: FlagName, parse: () => unknown): void {
  try {
    parse()
  } catch (error) {
    throw new ConfigError(`--${flag} ${(error as Error).message}.`)
  }
}

function readValues(args: readonly string[], environment: NodeJS.ProcessEnv): Values {
  const options = Object.fromEntries(Object.keys(flags).map((name) => [name, { type: 'string' as const }]))
  let given: Values
  try {
    given = parseArgs({ args: [...args], options, allowPositionals: false, strict: true }).values as Values
  } catch (error) {
    const [sentence = 'The arguments cannot be read.'] = (error instanceof Error ? error.message : String(error)).split('. ')
    throw new ConfigError(`${sentence.replace(/\.$/, '')}; see --help.`)
  }
  const values: Values = {}
  for (const name of Object.keys(flags) as FlagName[]) {
    const value = given[name] ?? environment[flags[name].variable]
    if (value === undefined || (value === '' && given[name] === undefined)) continue
    if (value.trim() === '') throw new ConfigError(`--${name} must not be empty.`)
    values[name] = value.trim()
  }
  return values
}

function parseServer(text: string | undefined): URL {
  if (text === undefined)
    throw new ConfigError('--server is missing: give the address of the server, such as --server http://127.0.0.1:8080.')
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !['http:', 'https:', 'ws:', 'wss:'].includes(url.protocol) || url.hostname === '') {
    throw new ConfigError(`--server must be an http or https address such as https://littoral.example.com, not "${text}".`)
  }
  if (url.username !== '' || url.password !== '') throw new ConfigError('--server must not contain a user name or password; use --token.')
  return url
}

function parseJoin({ token, gateway, secret }: Values): JoinCredential | undefined {
  if (token !== undefined && gateway !== undefined)
    throw new ConfigError('--token and --gateway exclude each other: a node joins in one way.')
  if (token !== undefined) {
    if (!/^ljt_\w{1,256}$/.test(token)) throw new ConfigError('--token must be a join token, which begins with ljt_.')
    return { kind: 'token', token }
  }
  if (gateway === undefined) {
    if (secret !== undefined) throw new ConfigError('--secret is of use with --gateway only.')
    return undefined
  }
  const [, productKey, deviceName] = /^([^/\s]+)\/([^\s]+)$/.exec(gateway) ?? []
  if (productKey === undefined || deviceName === undefined)
    throw new ConfigError(`--gateway must be PRODUCTKEY/DEVICENAME, not "${gateway}".`)
  if (secret === undefined) throw new ConfigError('--gateway needs --secret, the device secret, or LITTORAL_GATEWAY_SECRET.')
  return { kind: 'gateway', productKey, deviceName, deviceSecret: secret }
}

function parseEnvironments(text: string | undefined): ('prod' | 'staging')[] {
  if (text === undefined) return ['prod', 'staging']
  if (text === 'prod' || text === 'staging') return [text]
  throw new ConfigError(`--environment must be prod or staging, not "${text}"; leave it out to serve both.`)
}

function parseRuntimes(text: string): RuntimeName[] {
  const names = text.split(',').map((name) => name.trim())
  const known: readonly string[] = ['engine', 'process', 'memory'] satisfies RuntimeName[]
  const strange = names.find((name) => !known.includes(name))
  if (strange !== undefined) throw new ConfigError(`--runtime must be a list of engine, process or memory, not "${text}".`)
  if (new Set(names).size < names.length) throw new ConfigError(`--runtime names one runtime twice: "${text}".`)
  if (names.includes('memory') && names.length > 1)
    throw new ConfigError('--runtime memory only pretends and cannot be combined with others.')
  return names as RuntimeName[]
}

function parseWord(flag: FlagName, text: string, maxLength: number): string {
  if (text.length > maxLength || /[\s\p{Cc}]/u.test(text))
    throw new ConfigError(`--${flag} must be at most ${maxLength} characters without spaces, not "${text}".`)
  return text
}

function parseAddress(text: string): string {
  if (isIP(text) !== 0) return text
  throw new ConfigError(`--address must be an IP address of this machine such as 192.168.1.20, not "${text}".`)
}

function parseEdgeVersion(text: string): string {
  if (isVersion(text)) return text
  throw new ConfigError(`--edge-version must be up to four numbers with dots such as 2.9.7, not "${text}".`)
}

function parseDiskBudget(text: string | undefined): Pick<AgentConfig, 'diskBudgetBytes'> {
  if (text === undefined) return {}
  const diskBudgetBytes = parseSize(text)
  if (diskBudgetBytes === undefined || diskBudgetBytes === 0)
    throw new ConfigError(`--disk-budget must be a size such as 500M or 20G, not "${text}".`)
  return { diskBudgetBytes }
}

function parseMegabytes(text: string): number {
  const megabytes = /^\d{1,7}$/.test(text) ? Number(text) : NaN
  if (!(megabytes >= 16 && megabytes <= 1_048_576)) throw new ConfigError(`--driver-memory must be from 16 to 1048576 MB, not "${text}".`)
  return megabytes * 1024 * 1024
}

function parseDriverUser(text: string): AgentConfig['driverUser'] {
  if (text === 'own' || text === 'agent') return text
  const [, first = '', last = ''] = /^(\d{1,10})-(\d{1,10})$/.exec(text) ?? []
  // Below 1000 are the system's own users.
  const isRange = first !== '' && Number(first) >= 1000 && Number(last) >= Number(first) && Number(last) < 2 ** 32 - 1
  if (!isRange) throw new ConfigError(`--driver-user must be own, agent or a range of user ids such as 61000-61183, not "${text}".`)
  return { first: Number(first), last: Number(last) }
}
