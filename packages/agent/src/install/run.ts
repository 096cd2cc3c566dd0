// `littoral agent install` and `littoral agent uninstall`: puts the bundled agent on this machine as a service of systemd, or
// takes it away. With --root the files go below a folder and nothing is started: for images, and for tests.
import { existsSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { ConfigError, toVariables } from '../config.ts'
import { findBundle, Target } from './target.ts'
import { environmentText, places, readEnvironment, unitName, unitText } from './unit.ts'

const installOptions = {
  root: { type: 'string' },
  'dry-run': { type: 'boolean' },
  'no-start': { type: 'boolean' },
  'engine-socket': { type: 'string' },
  help: { type: 'boolean' },
} as const
const uninstallOptions = {
  root: { type: 'string' },
  'dry-run': { type: 'boolean' },
  purge: { type: 'boolean' },
  help: { type: 'boolean' },
} as const

const usage = {
  install: `littoral agent install --server URL --token TOKEN [settings of littoral agent …]
  --root DIR            below this folder instead of /, and start nothing
  --dry-run             only say what would be done
  --no-start            do not start it now
  --engine-socket PATH  socket of the container engine; else Docker's, else Podman's
Writes ${places.unit}, ${places.environment} (0600), ${places.bundle} and the data folder (${places.data} unless --data).`,
  uninstall: `littoral agent uninstall
  --root DIR            below this folder instead of /
  --dry-run             only say what would be done
  --purge               remove the data folder, too: the node's identity and what it should run
Containers that run go on; remove the node's workloads on the server first to end them.`,
}

type Verb = keyof typeof usage

/** Resolves with the exit code. `own` is the file that was started. */
export async function runInstall(verb: Verb, args: readonly string[], own: string): Promise<number> {
  const print = (line: string) => void process.stdout.write(`${line}\n`)
  if (args.includes('--help') || args.includes('-h')) {
    print(usage[verb])
    return 0
  }
  if (process.platform !== 'linux') throw new ConfigError('it can be installed on Linux only; elsewhere run littoral agent itself.')
  if (verb === 'install') return install(args, { own, print })
  return uninstall(args, print)
}

interface Surroundings {
  readonly own: string
  readonly print: (line: string) => void
}

function install(args: readonly string[], { own, print }: Surroundings): number {
  const { ours, theirs } = split(args, installOptions)
  const variables = toVariables(theirs)
  const data = variables['LITTORAL_AGENT_DATA'] ?? places.data
  if (!data.startsWith('/')) throw new ConfigError(`--data must be an absolute path, not "${data}".`)
  const hasWay = ['LITTORAL_TOKEN', 'LITTORAL_GATEWAY'].some((name) => name in variables)
  const target = new Target({ root: stringOf(ours['root']), isDryRun: ours['dry-run'] === true, print })
  if (!hasWay && !existsSync(target.path(`${data}/identity.json`)))
    throw new ConfigError('this node has no identity yet: give --token, or --gateway and --secret.')
  const socket = stringOf(ours['engine-socket'])
  if (socket !== undefined && !socket.startsWith('/')) throw new ConfigError(`--engine-socket must be an absolute path, not "${socket}".`)
  const engine: Record<string, string> = socket === undefined ? {} : { LITTORAL_ENGINE_SOCKET: socket }
  const environment = { ...variables, LITTORAL_AGENT_DATA: data, ...engine }
  for (const [name, value] of Object.entries(environment))
    if (/\p{Cc}/u.test(value)) throw new ConfigError(`${name} must not contain control characters.`)
  target.folder(data, 0o700)
  target.file(places.bundle, readFileSync(findBundle(own)), 0o644)
  target.file(places.environment, environmentText(environment), 0o600)
  target.file(places.unit, unitText({ node: process.execPath }), 0o644)
  // What is installed now is what should run, whatever was confirmed before.
  target.remove(`${data}/upgrade/state.json`)
  if (ours['no-start'] !== true) begin(target, print)
  sayEngine(environment, print)
  return 0
}

function begin(target: Target, print: (line: string) => void): void {
  if (target.isLive) {
    target.run('systemctl', ['daemon-reload'])
    target.run('systemctl', ['enable', unitName])
    target.run('systemctl', ['restart', unitName])
  } else if (!target.isElsewhere) {
    print(`No systemd runs here. Start it with what does: set -a; . ${places.environment}; exec ${process.execPath} ${places.bundle}`)
  }
}

function sayEngine(environment: Readonly<Record<string, string>>, print: (line: string) => void): void {
  if (!(environment['LITTORAL_RUNTIME'] ?? 'engine').includes('engine')) return
  const named = environment['LITTORAL_ENGINE_SOCKET']
  const sockets = named === undefined ? ['/var/run/docker.sock', '/run/podman/podman.sock'] : [named]
  if (sockets.some((path) => existsSync(path))) return
  print(
    `No container engine is at ${sockets.join(' or ')} yet: start Docker, or systemctl enable --now podman.socket, or install with --runtime process.`,
  )
}

function uninstall(args: readonly string[], print: (line: string) => void): number {
  const { ours, theirs } = split(args, uninstallOptions)
  if (theirs.length > 0) throw new ConfigError(`littoral agent uninstall knows no ${theirs[0]}; see --help.`)
  const target = new Target({ root: stringOf(ours['root']), isDryRun: ours['dry-run'] === true, print })
  const environmentPath = target.path(places.environment)
  const environment = existsSync(environmentPath) ? readFileSync(environmentPath, 'utf8') : ''
  const data = readEnvironment(environment, 'LITTORAL_AGENT_DATA') ?? places.data
  const isInstalled = existsSync(target.path(places.unit))
  if (target.isLive && isInstalled) target.run('systemctl', ['disable', '--now', unitName])
  for (const path of [places.unit, places.environment, places.bundle]) target.remove(path)
  for (const path of [places.environment, places.bundle]) target.removeEmpty(dirname(path))
  if (target.isLive && isInstalled) target.run('systemctl', ['daemon-reload'])
  if (ours['purge'] === true) target.removeData(data)
  else print(`The data folder ${data} stays; --purge removes it, too.`)
  return 0
}

type Options = Readonly<Record<string, { readonly type: 'string' | 'boolean' }>>

/** Our own flags, and the rest as it was. */
function split(args: readonly string[], options: Options): { ours: Record<string, unknown>; theirs: string[] } {
  const { values, tokens } = parseArgs({ args: [...args], options: { ...options }, strict: false, allowPositionals: true, tokens: true })
  const ours = Object.fromEntries(Object.entries(values).filter(([name]) => name in options))
  const taken = new Set<number>()
  for (const token of tokens) {
    if (token.kind !== 'option' || !(token.name in options)) continue
    const { type } = options[token.name] ?? {}
    if (type === 'string' && (token.value ?? '') === '') throw new ConfigError(`--${token.name} needs a value.`)
    if (type === 'boolean' && token.value !== undefined) throw new ConfigError(`--${token.name} takes no value.`)
    taken.add(token.index)
    if (type === 'string' && !token.inlineValue) taken.add(token.index + 1)
  }
  return { ours, theirs: args.filter((_, index) => !taken.has(index)) }
}

function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
