// How a driver of each language is launched on this machine: which programs there are, and the command line.
import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { DriverWorkload } from '@littoral/contract/node/desired-state'
import { StepError } from '../runtime.ts'

export type DriverRuntime = DriverWorkload['runtime']

/** What runs drivers of a language here: the program, or why there is none. */
export type Interpreter = { readonly program: string } | { readonly missing: string }

export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

// The file is loaded and its handler never called (contract: iot-edge §7). The loader stays even when the driver waits for
// nothing, because a driver that has registered its callbacks is running.
const loadNode =
  "setInterval(()=>{},2**30);const f=require('node:path').resolve('index.js');" +
  "try{require(f)}catch(e){if(e.code!=='ERR_REQUIRE_ESM')throw e;import(require('node:url').pathToFileURL(f).href)}"
const loadPython = 'import sys, threading; sys.path.insert(0, "."); import index; threading.Event().wait()'

interface Language {
  readonly entry: string
  readonly command: (program: string, workload: Omit<DriverWorkload, 'config'>, folder: string) => Command
}

export const languages: Readonly<Record<DriverRuntime, Language>> = {
  nodejs8: {
    entry: 'index.js',
    command: (program) => ({ program, args: ['-e', loadNode], environment: {} }),
  },
  python3: {
    entry: 'index.py',
    // Unbuffered, or the log would lag behind by pages.
    command: (program) => ({ program, args: ['-c', loadPython], environment: { PYTHONUNBUFFERED: '1' } }),
  },
  c: {
    entry: 'main',
    command: (_program, _workload, folder) => ({ program: join(folder, 'main'), args: [], environment: { LD_LIBRARY_PATH: join(folder, 'lib') } }),
  },
  java8: {
    entry: 'main.jar',
    command: (program, { arguments: options }) => ({ program, args: [...options, '-jar', 'main.jar'], environment: {} }),
  },
}

/** Refuses a package without the file its language starts from, before anything that runs is stopped for it. */
export async function checkEntry(workload: DriverWorkload, folder: string): Promise<void> {
  const { entry } = languages[workload.runtime]
  const found = await stat(join(folder, entry)).catch(() => undefined)
  if (!found?.isFile()) {
    throw new StepError('EntryMissing', `the package has no file ${entry} at its top level, which a ${workload.runtime} driver starts from`, { isStalled: true })
  }
  if (workload.runtime === 'c' && (found.mode & 0o111) === 0) {
    throw new StepError('EntryNotExecutable', 'the file main of the package has no execute permission; set it before packing', { isStalled: true })
  }
}

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
