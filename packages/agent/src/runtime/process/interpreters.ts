// Which programs this machine has to run drivers with, and what they say they are.
import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { DriverRuntime } from '../../packages/languages.ts'

/** What runs drivers of a language here: the program with what it says of itself, or why there is none. */
export type Interpreter = { readonly program: string; readonly version?: string } | { readonly missing: string }

/** A command line as whoever runs drivers would start it. */
export type AsDriver = (line: readonly string[]) => readonly string[]

/** Looks for the programs; each is run once, because a name in the PATH can be an empty promise, or one for root alone. */
export async function findInterpreters(asDriver: AsDriver): Promise<Record<DriverRuntime, Interpreter>> {
  const [python3, java8] = await Promise.all([find(['python3', '--version'], asDriver), find(['java', '-version'], asDriver)])
  const nodejs8 = { program: process.execPath, version: `Node.js ${process.version.slice(1)}` }
  // In the order of languages.ts, in which they are told.
  return { nodejs8, python3, c: { program: '' }, java8 }
}

/** What the server is told of them. */
export function foundAmong(interpreters: Readonly<Record<DriverRuntime, Interpreter>>) {
  const driverRuntimes = (Object.keys(interpreters) as DriverRuntime[]).filter((name) => 'program' in interpreters[name])
  const driverRuntimeVersions = driverRuntimes.flatMap((name) => {
    const interpreter = interpreters[name]
    return 'version' in interpreter && interpreter.version !== undefined ? [{ name, version: interpreter.version }] : []
  })
  return { driverRuntimes, driverRuntimeVersions }
}

async function find([name = '', ...args]: readonly string[], asDriver: AsDriver): Promise<Interpreter> {
  let missing = `there is no ${name} in the PATH of the agent`
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const program = join(folder, name)
    const isThere = folder !== '' && (await access(program, constants.X_OK).then(yes, no))
    if (!isThere) continue
    const said = await run(asDriver([program, ...args]))
    if (said !== undefined) return { program, ...versionIn(said) }
    missing = `${program} does not run${asDriver([]).length > 0 ? ' as the user of a driver' : ''}`
  }
  return { missing }
}

/** What it says; undefined when it does not run. */
function run([program = '', ...args]: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) =>
    execFile(program, args, { timeout: 10_000, cwd: '/' }, (error, stdout, stderr) => resolve(error ? undefined : `${stdout}\n${stderr}`)),
  )
}

/** `Python 3.11.2`, or `openjdk version "17.0.12" 2024-07-16` behind lines about options it picked up. */
export function versionIn(said: string): { version?: string } {
  const [, name = '', number] = /^(\w+)(?: version)? "?(\d[\w.+-]*)/m.exec(said) ?? []
  return number === undefined ? {} : { version: `${name} ${number}`.slice(0, 64) }
}

const yes = () => true
const no = () => false
