// Environment → typed configuration. One table holds every variable; reading it and printing its documentation use the
// same entries. Called by main.ts and, for the documentation, by tools/generate.ts.
import { resolve } from 'node:path'
import { parseLogSink, parseSinkHeaders } from '@littoral/contract/node/log-sink'
import { parseObjectLocation, type S3Location } from './domain/object-location.ts'
import { defaultSettings, type Settings } from './domain/settings.ts'

export interface Config {
  readonly listen: { readonly host: string; readonly port: number }
  readonly dataFolder: string
  /** Absent: the faster library that is installed. */
  readonly sqliteDriver?: 'better-sqlite3' | 'libsql'
  /** Absent: the server makes a key at its first start and keeps it in the data folder. */
  readonly rootKey?: { readonly accessKeyId: string; readonly accessKeySecret: string }
  /** Absent: objects lie in the data folder. */
  readonly objects?: { readonly location: S3Location; readonly key: { readonly accessKeyId: string; readonly secret: string } }
  readonly settings: Settings
}

/** A variable that cannot be used; the message is one sentence for the operator. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

type Draft = { -readonly [K in keyof Config]: Config[K] }

const noObjects: NonNullable<Config['objects']> = {
  location: { bucket: '', prefix: '', endpoint: '', region: '', style: 'path' },
  key: { accessKeyId: '', secret: '' },
}

interface Variable {
  readonly name: string
  /** As it would be written; empty where there is none. */
  readonly usual: string
  readonly meaning: string
  /** Puts the value where it belongs; throws an Error that says what a right value looks like. */
  readonly apply: (text: string, draft: Draft) => void
}

const limitMeanings: Record<keyof Settings['limits'], string> = {
  apps: 'Apps per account.',
  versionsPerApp: 'Versions per app.',
  containersPerVersion: 'Containers per app version.',
  sites: 'Sites per account.',
  recordsPerApp: 'Domains bound to an app.',
  imageSecretsPerApp: 'Image secrets per app.',
  drivers: 'Drivers per account.',
  versionsPerDriver: 'Versions per driver.',
  instances: 'Edge instances per account.',
  driversPerInstance: 'Drivers assigned to an edge instance.',
  devicesPerInstance: 'Devices bound to an edge instance.',
  channelsPerInstance: 'Channels of the drivers of an edge instance.',
  routesPerInstance: 'Message routes of an edge instance.',
  sceneRulesPerInstance: 'Scene rules bound to an edge instance.',
  applicationsPerInstance: 'Applications bound to an edge instance.',
  packageBytes: 'Size of a driver package in bytes.',
}

const dayMs = 24 * 3600 * 1000

const variables: readonly Variable[] = [
  {
    name: 'LITTORAL_LISTEN',
    usual: '127.0.0.1:8080',
    meaning: 'Address and port to listen on. Port 0 takes any free one. Use 0.0.0.0 to be reached from other machines.',
    apply: (text, draft) => (draft.listen = parseListen(text)),
  },
  {
    name: 'LITTORAL_DATA',
    usual: '.littoral',
    meaning: 'Folder for the database, stored packages and the generated key. Only one server may use it at a time.',
    apply: (text, draft) => (draft.dataFolder = resolve(text)),
  },
  {
    name: 'LITTORAL_ACCESS_KEY_ID',
    usual: '',
    meaning: 'Access key id of the account; needs LITTORAL_ACCESS_KEY_SECRET too. Without them a key is made and kept in root-key.json.',
    apply: (text, draft) => (draft.rootKey = { accessKeySecret: '', ...draft.rootKey, accessKeyId: parseKeyId(text) }),
  },
  {
    name: 'LITTORAL_ACCESS_KEY_SECRET',
    usual: '',
    meaning: 'Access key secret that belongs to LITTORAL_ACCESS_KEY_ID.',
    apply: (text, draft) => (draft.rootKey = { accessKeyId: '', ...draft.rootKey, accessKeySecret: parseWord(text, 8, 256) }),
  },
  {
    name: 'LITTORAL_OBJECTS',
    usual: '',
    meaning:
      'Bucket of an S3-compatible store for packages and config files instead of the data folder, such as s3://bucket/prefix?endpoint=https://s3.example.com&region=us-east-1; &style=host where the bucket belongs into the host name.',
    apply: (text, draft) => (draft.objects = { ...(draft.objects ?? noObjects), location: parseObjectLocation(text) }),
  },
  {
    name: 'LITTORAL_OBJECTS_KEY_ID',
    usual: '',
    meaning: 'Access key id for that bucket.',
    apply: (text, draft) => (draft.objects = withObjectKey(draft, { accessKeyId: parseWord(text, 1, 256) })),
  },
  {
    name: 'LITTORAL_OBJECTS_SECRET',
    usual: '',
    meaning: 'Secret that belongs to LITTORAL_OBJECTS_KEY_ID.',
    apply: (text, draft) => (draft.objects = withObjectKey(draft, { secret: parseWord(text, 1, 256) })),
  },
  {
    name: 'LITTORAL_SQLITE_DRIVER',
    usual: '',
    meaning: 'SQLite library to use: better-sqlite3 or libsql. Without it the faster one that is installed.',
    apply: (text, draft) => (draft.sqliteDriver = parseDriver(text)),
  },
  {
    name: 'LITTORAL_REGIONS',
    usual: defaultSettings.regions.map((region) => `${region.code}:${region.area}`).join(','),
    meaning: 'Regions of this installation: code:area or code:area:isp, separated by commas.',
    apply: (text, draft) => set(draft, { regions: parseRegions(text) }),
  },
  flag('LITTORAL_THROTTLE', 'isThrottled', 'off: calls are never throttled, for use as an emulator.'),
  flag('LITTORAL_STRICT_SERVICE_PORTS', 'hasStrictServicePorts', 'on: only 80 and 443 are accepted as ServicePort.'),
  flag('LITTORAL_LENIENT_CONTAINERS', 'isContainerLenient', 'on: a container may leave out IsACRImage and Storage.'),
  flag('LITTORAL_BIND_UNRELEASED', 'mayBindUnreleased', 'on: an unreleased driver version may be assigned.'),
  {
    name: 'LITTORAL_HEARTBEAT_MS',
    usual: String(defaultSettings.heartbeatMs),
    meaning: 'How often server and node make sure of each other; a node is off line after three silent ones.',
    apply: (text, draft) => set(draft, { heartbeatMs: parseInteger(text, 100, 600_000) }),
  },
  {
    name: 'LITTORAL_DEPLOYMENT_SECONDS',
    usual: String(defaultSettings.deploymentTimeoutMs / 1000),
    meaning: 'How long a deployment may take once its gateway has been told; one whose gateway is away waits without end.',
    apply: (text, draft) => set(draft, { deploymentTimeoutMs: parseInteger(text, 1, 86_400) * 1000 }),
  },
  {
    name: 'LITTORAL_DRIVER_CONFIRM_SECONDS',
    usual: String(defaultSettings.driverConfirmSeconds),
    meaning:
      'A gateway that loses contact after a driver was deployed and is not heard for so long goes back to the driver it had before; 0: never.',
    apply: (text, draft) => set(draft, { driverConfirmSeconds: parseInteger(text, 0, 604_800) }),
  },
  flag('LITTORAL_TERMINAL', 'hasTerminals', 'off: no terminal is opened in any container.'),
  {
    name: 'LITTORAL_TERMINAL_IDLE_SECONDS',
    usual: String(defaultSettings.terminalIdleMs / 1000),
    meaning: 'A terminal in which nothing is typed for this long is closed.',
    apply: (text, draft) => set(draft, { terminalIdleMs: parseInteger(text, 1, 86_400) * 1000 }),
  },
  {
    name: 'LITTORAL_STATS_SECONDS',
    usual: String(defaultSettings.statsEveryMs / 1000),
    meaning: 'How often nodes tell what their workloads use. It is kept for a day.',
    apply: (text, draft) => set(draft, { statsEveryMs: parseInteger(text, 1, 3600) * 1000 }),
  },
  {
    name: 'LITTORAL_AUDIT_DAYS',
    usual: String(defaultSettings.auditKeptMs / dayMs),
    meaning: 'How long it is kept who changed what.',
    apply: (text, draft) => set(draft, { auditKeptMs: parseInteger(text, 1, 36_500) * dayMs }),
  },
  {
    name: 'LITTORAL_LEFTOVER_DAYS',
    usual: String(defaultSettings.leftoversKeptMs / dayMs),
    meaning: 'How long uploaded packages and files are kept that no version, configuration or gateway uses any more. 0: for ever.',
    apply: (text, draft) => set(draft, { leftoversKeptMs: parseInteger(text, 0, 36_500) * dayMs }),
  },
  {
    name: 'LITTORAL_PLAIN_REGISTRIES',
    usual: '',
    meaning: 'Image registries (host or host:port, separated by commas) that are asked over plain HTTP; those on the loopback always are.',
    apply: (text, draft) => set(draft, { plainRegistries: text.split(',').map((host) => host.trim()) }),
  },
  {
    name: 'LITTORAL_DEFAULT_REGISTRY',
    usual: 'docker.io',
    meaning: 'Registry of images whose name says none. none: such a name is an image of the node, and no registry is asked about it.',
    apply: (text, draft) => setDefaultRegistry(draft, text),
  },
  {
    name: 'LITTORAL_LOG_SINK',
    usual: '',
    meaning: 'Where nodes take collected logs: file:/path (on the node), http(s)://… or otlp+http(s)://…. A node can have its own.',
    apply: (text, draft) => {
      parseLogSink(text)
      set(draft, { logSink: { ...draft.settings.logSink, address: text } })
    },
  },
  {
    name: 'LITTORAL_LOG_SINK_HEADERS',
    usual: '',
    meaning: 'Headers for LITTORAL_LOG_SINK, such as Authorization=Bearer%20abc,X-Team=edge. Every node gets them.',
    apply: (text, draft) => {
      parseSinkHeaders(text)
      if (draft.settings.logSink === undefined) throw new Error('is of use with LITTORAL_LOG_SINK only')
      set(draft, { logSink: { ...draft.settings.logSink, headers: text } })
    },
  },
  ...(Object.keys(limitMeanings) as (keyof Settings['limits'])[]).map((key): Variable => ({
    name: `LITTORAL_LIMIT_${key.replace(/[A-Z]/g, '_$&').toUpperCase()}`,
    usual: String(defaultSettings.limits[key]),
    meaning: limitMeanings[key],
    apply: (text, draft) => set(draft, { limits: { ...draft.settings.limits, [key]: parseInteger(text, 1, 1_000_000_000) } }),
  })),
]

/** Reads the configuration; throws ConfigError for a value that cannot be used. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const draft: Draft = { listen: { host: '', port: 0 }, dataFolder: '', settings: defaultSettings }
  for (const { name, usual, apply } of variables) {
    const given = env[name]
    const text = given === undefined || given === '' ? usual : given
    if (text === '') continue
    try {
      apply(text, draft)
    } catch (error) {
      throw new ConfigError(`${name} ${(error as Error).message}.`)
    }
  }
  const { rootKey } = draft
  if (rootKey && (rootKey.accessKeyId === '' || rootKey.accessKeySecret === '')) {
    throw new ConfigError('LITTORAL_ACCESS_KEY_ID and LITTORAL_ACCESS_KEY_SECRET must be given together.')
  }
  const { location, key } = draft.objects ?? noObjects
  if (draft.objects && (location.bucket === '' || key.accessKeyId === '' || key.secret === '')) {
    throw new ConfigError('LITTORAL_OBJECTS, LITTORAL_OBJECTS_KEY_ID and LITTORAL_OBJECTS_SECRET must be given together.')
  }
  return draft
}

function withObjectKey({ objects = noObjects }: Draft, part: Partial<NonNullable<Config['objects']>['key']>): Config['objects'] & object {
  return { ...objects, key: { ...objects.key, ...part } }
}

/**
 * Of the agent and of the command line, which are the same program: whoever exports them for those may start a server beside
 * them. What those read and this misses fails config.test.ts.
 */
const variablesOfOthers: ReadonlySet<string> = new Set(
  [
    'ENDPOINT SERVER AGENT_DATA TOKEN GATEWAY GATEWAY_SECRET REGION ENVIRONMENT RUNTIME NODE_NAME EDGE_VERSION ADDRESS LOG_SPOOL',
    'DISK_BUDGET DRIVER_MEMORY DRIVER_USER ENGINE_SOCKET DRIVER_IMAGE_NODEJS8 DRIVER_IMAGE_PYTHON3 DRIVER_IMAGE_C DRIVER_IMAGE_JAVA8',
    'SUPERVISOR AGENT_TRIAL',
  ].flatMap((line) => line.split(' ').map((name) => `LITTORAL_${name}`)),
)

/** Names that look like ours but mean nothing to any command of Littoral: spelling mistakes, or settings of another program. */
export function unknownVariables(env: Readonly<Record<string, string | undefined>>): string[] {
  const known = new Set([...variables.map(({ name }) => name), ...variablesOfOthers])
  return Object.keys(env).filter((name) => name.startsWith('LITTORAL_') && !known.has(name))
}

/** Every variable with its usual value and meaning, as a Markdown table. */
export function configReference(): string {
  const rows = variables.map(({ name, usual, meaning }) => `| \`${name}\` | ${usual === '' ? '' : `\`${usual}\``} | ${meaning} |`)
  return ['| Variable | Default | Meaning |', '| --- | --- | --- |', ...rows].join('\n')
}

function set(draft: Draft, settings: Partial<Settings>): void {
  draft.settings = { ...draft.settings, ...settings }
}

function setDefaultRegistry(draft: Draft, text: string): void {
  const { defaultRegistry: _usual, ...rest } = draft.settings
  if (text === 'none') draft.settings = rest
  else if (!/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:\d{1,5})?$/i.test(text) || !/[.:]|^localhost$/.test(text))
    throw new Error(`must be a host such as docker.io or images.example.com:5000, or none, not ${text}`)
  else draft.settings = { ...rest, defaultRegistry: text.toLowerCase() }
}

function flag(
  name: string,
  key: 'isThrottled' | 'hasStrictServicePorts' | 'isContainerLenient' | 'mayBindUnreleased' | 'hasTerminals',
  meaning: string,
): Variable {
  return {
    name,
    usual: defaultSettings[key] ? 'on' : 'off',
    meaning,
    apply: (text, draft) => set(draft, { [key]: parseFlag(text) }),
  }
}

function parseFlag(text: string): boolean {
  if (/^(on|true|1)$/i.test(text)) return true
  if (/^(off|false|0)$/i.test(text)) return false
  throw new Error(`must be on or off, not ${text}`)
}

function parseInteger(text: string, least: number, most: number): number {
  const value = /^\d{1,12}$/.test(text) ? Number(text) : NaN
  if (!(value >= least && value <= most)) throw new Error(`must be a whole number from ${least} to ${most}, not ${text}`)
  return value
}

/** The value itself is not repeated: it may be a secret. */
function parseWord(text: string, least: number, most: number): string {
  const isWord = text.length >= least && text.length <= most && /^[\x21-\x7e]+$/.test(text)
  if (!isWord) throw new Error(`must be ${least} to ${most} printable characters without blanks`)
  return text
}

function parseKeyId(text: string): string {
  if (text.startsWith('STS.')) throw new Error('must not begin with STS., which only keys for a time do')
  return parseWord(text, 3, 128)
}

function parseListen(text: string): Config['listen'] {
  const match = /^(?:\[([0-9a-f:]+)\]|([^:[\]\s]+)):(\d{1,5})$/i.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined || !(port <= 65535)) throw new Error(`must be host:port such as 127.0.0.1:8080, not ${text}`)
  return { host, port }
}

function parseDriver(text: string): 'better-sqlite3' | 'libsql' {
  if (text === 'better-sqlite3' || text === 'libsql') return text
  throw new Error(`must be better-sqlite3 or libsql, not ${text}`)
}

function parseRegions(text: string): Settings['regions'] {
  return text.split(',').map((entry) => {
    const match = /^([\w-]{1,64}):([\w-]{1,64})(?::([\w-]{1,64}))?$/.exec(entry.trim())
    if (!match?.[1] || !match[2]) throw new Error(`must be a list such as zhejiang:huadong,fujian:huadong, not ${text}`)
    return { code: match[1], area: match[2], ...(match[3] === undefined ? {} : { isp: match[3] }) }
  })
}
