// Which programs this machine has to run drivers with.
import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { DriverRuntime } from '../../packages/languages.ts'

/** What runs drivers of a language here: the program, or why there is none. */
export type Interpreter = { readonly program: string } | { readonly missing: string }

/** Looks for the programs; each is run once, because a name in the PATH can be an empty promise. */
export async function findInterpreters(): Promise<Record<DriverRuntime, Interpreter>> {
  const [python3, java8] = await Promise.all([find('python3', ['--version']), find('java', ['-version'])])
  return { nodejs8: { program: process.execPath }, c: { program: '' }, python3, java8 }
}

async function find(name: string, args: readonly string[]): Promise<Interpreter> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const program = join(folder, name)
    const isThere = folder !== '' && (await access(program, constants.X_OK).then(yes, no))
    if (!isThere) continue
    const runs = await new Promise<boolean>((resolve) => execFile(program, args, { timeout: 10_000 }, (error) => resolve(!error)))
    return runs ? { program } : { missing: `${program} does not run` }
  }
  return { missing: `there is no ${name} in the PATH of the agent` }
}

const yes = () => true
const no = () => false
