// The four languages drivers come in (contract: iot-edge §7): the file each starts from, and the command line.
import { statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { DriverWorkload } from '@littoral/contract/node/desired-state'
import { headBytes, isMachineCode, isScript, machineProblem } from '@littoral/contract/node/machine-code'
import { StepError } from '../runtime/runtime.ts'
import { goDescriptor } from './local-door.ts'

export type DriverRuntime = DriverWorkload['runtime']

export interface DriverCommand {
  readonly program: string
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** In place of `args`: the interpreter is up before the driver's code is there, and looks for it when it is told to go. */
  readonly waitingArgs?: readonly string[]
}

/** What a command line is made from: the interpreter, the JVM's options, and the driver's folder as the driver sees it. */
export interface CommandParts {
  readonly program: string
  readonly options: readonly string[]
  readonly folder: string
}

// The file is loaded and its handler never called (contract: iot-edge §7). The loader stays even when the driver waits for
// nothing, because a driver that has registered its callbacks is running.
// In a container it is process 1, which the system spares every signal that it does not handle itself: without a word of its
// own a stop would take the whole grace.
const loadNode =
  "if(process.pid===1)process.on('SIGTERM',()=>process.listenerCount('SIGTERM')>1||process.exit(143));" +
  "setInterval(()=>{},2**30);const f=require('node:path').resolve('index.js');" +
  "try{require(f)}catch(e){if(e.code!=='ERR_REQUIRE_ESM')throw e;import(require('node:url').pathToFileURL(f).href)}"
// Node reads nothing of the driver's folder before it is asked to. Python looks there for packages of its user as it comes up,
// and Java for its program, so for them a shell waits.
const waitForGo =
  `{const fs=require('node:fs');if(fs.readSync(${goDescriptor},Buffer.alloc(8))<1)process.exit(125);` + `fs.closeSync(${goDescriptor})}`
const loadPython =
  'import os, signal, sys, threading; os.getpid() == 1 and signal.signal(signal.SIGTERM, lambda *_: os._exit(143)); ' +
  'sys.path.insert(0, "."); import index; threading.Event().wait()'

interface Language {
  readonly entry: string
  readonly command: (parts: CommandParts) => DriverCommand
}

export const languages: Readonly<Record<DriverRuntime, Language>> = {
  nodejs8: {
    entry: 'index.js',
    command: ({ program }) => ({ program, args: ['-e', loadNode], waitingArgs: ['-e', waitForGo + loadNode], environment: {} }),
  },
  python3: {
    entry: 'index.py',
    // Unbuffered, or the log would lag behind by pages.
    command: ({ program }) => ({ program, args: ['-c', loadPython], environment: { PYTHONUNBUFFERED: '1' } }),
  },
  c: {
    entry: 'main',
    command: ({ folder }) => ({ program: join(folder, 'main'), args: [], environment: { LD_LIBRARY_PATH: join(folder, 'lib') } }),
  },
  java8: {
    entry: 'main.jar',
    command: ({ program, options }) => ({ program, args: [...options, '-jar', 'main.jar'], environment: {} }),
  },
}

/** The command line where the interpreters go by their usual names, as in the images drivers run in as containers. */
export function usualCommand(workload: DriverWorkload, folder: string): DriverCommand {
  const programs: Record<DriverRuntime, string> = { nodejs8: 'node', python3: 'python3', java8: 'java', c: '' }
  return languages[workload.runtime].command({ program: programs[workload.runtime], options: workload.arguments, folder })
}

/** Refuses a package without the file its language starts from, before anything that runs is stopped for it. */
export async function checkEntry({ runtime, cpuArch }: Pick<DriverWorkload, 'runtime' | 'cpuArch'>, folder: string): Promise<void> {
  const { entry } = languages[runtime]
  const found = statSync(join(folder, entry), { throwIfNoEntry: false })
  if (!found?.isFile()) {
    throw new StepError('EntryMissing', `the package has no file ${entry} at its top level, which a ${runtime} driver starts from`, {
      isStalled: true,
    })
  }
  if (runtime === 'c') await checkProgram(join(folder, entry), found.mode, cpuArch)
}

async function checkProgram(path: string, mode: number, cpuArch: string | undefined): Promise<void> {
  const refused = (what: string) => new StepError('EntryNotExecutable', `the file main of the package ${what}`, { isStalled: true })
  if ((mode & 0o111) === 0) throw refused('has no execute permission; set it before packing')
  const head = await readHead(path)
  if (!isMachineCode(head)) {
    if (isScript(head)) return
    throw refused('is neither a compiled program nor a script that begins with #!')
  }
  const problem = cpuArch === undefined ? undefined : machineProblem(head, cpuArch)
  if (problem !== undefined) throw refused(problem)
}

async function readHead(path: string): Promise<Uint8Array> {
  const file = await open(path, 'r')
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}
