// Which server to call, and with which key. From the flags, else the environment, else a server's data folder, else the
// profile file; each of the three values is taken from the first place that has it.
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { UsageError } from './usage-error.ts'

export interface Profile {
  /** scheme://host:port */
  readonly endpoint: string
  readonly accessKeyId: string
  readonly accessKeySecret: string
}

export interface ProfileFlags {
  readonly endpoint?: string | undefined
  readonly 'access-key-id'?: string | undefined
  readonly 'access-key-secret'?: string | undefined
  readonly data?: string | undefined
}

/** The flags every command takes, as parseArgs wants them. */
export const profileOptions = {
  endpoint: { type: 'string' },
  'access-key-id': { type: 'string' },
  'access-key-secret': { type: 'string' },
  data: { type: 'string' },
} as const

type Env = Readonly<Record<string, string | undefined>>

const usualEndpoint = 'http://127.0.0.1:8080'
const usualFolder = '.littoral'

/** Throws UsageError when no key is to be found. */
export function readProfile(flags: ProfileFlags, { env, cwd }: { env: Env; cwd: string }): Profile {
  const file = join(env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config'), 'littoral', 'profile.json')
  const folder = flags.data ?? (env['LITTORAL_DATA'] || undefined)
  const sources: Partial<Profile>[] = [
    drop({ endpoint: flags.endpoint, accessKeyId: flags['access-key-id'], accessKeySecret: flags['access-key-secret'] }),
    // A folder named on the command line means that server, whatever the environment says.
    ...(flags.data === undefined ? [] : [readFolder(flags.data)]),
    drop({
      endpoint: env['LITTORAL_ENDPOINT'],
      accessKeyId: env['LITTORAL_ACCESS_KEY_ID'],
      accessKeySecret: env['LITTORAL_ACCESS_KEY_SECRET'],
    }),
    ...(folder === undefined ? [] : [readFolder(folder)]),
    readJson(file),
    readFolder(join(cwd, usualFolder)),
  ]
  const found = Object.assign({ endpoint: usualEndpoint }, ...sources.toReversed()) as Partial<Profile> & { endpoint: string }
  const { endpoint, accessKeyId, accessKeySecret } = found
  if (!accessKeyId || !accessKeySecret) {
    throw new UsageError(
      `No access key: give --data with the server's data folder, or --access-key-id and --access-key-secret, or set ` +
        `LITTORAL_ACCESS_KEY_ID and LITTORAL_ACCESS_KEY_SECRET, or write ${file}.`,
    )
  }
  return { endpoint: toOrigin(endpoint), accessKeyId, accessKeySecret }
}

/** What a server leaves in its data folder: its key, and its address while it runs. */
function readFolder(folder: string): Partial<Profile> {
  return { ...readJson(join(folder, 'root-key.json')), ...readJson(join(folder, 'server.json')) }
}

function readJson(path: string): Partial<Profile> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return {}
  }
  try {
    const { endpoint, accessKeyId, accessKeySecret } = JSON.parse(text) as Record<string, string | undefined>
    return drop({ endpoint, accessKeyId, accessKeySecret })
  } catch {
    throw new UsageError(`${path} is not JSON; correct or remove it.`)
  }
}

function drop(values: Readonly<Record<keyof Profile, string | undefined>>): Partial<Profile> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value)) as Partial<Profile>
}

function toOrigin(endpoint: string): string {
  const text = endpoint.includes('://') ? endpoint : `http://${endpoint}`
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return new URL(text).origin
  throw new UsageError(`The endpoint ${endpoint} is no address such as ${usualEndpoint}.`)
}
