// What a driver's code package must be beyond the rules for its entries (contract/node/driver-package.ts) before it may be
// released: it holds the file that is started, and what is compiled in it is compiled for the driver's processor.
import { entryRefusal } from '@littoral/contract/node/driver-package'
import { isMachineCode, isScript, machineProblem } from '@littoral/contract/node/machine-code'
import { type Driver, entryFileOf } from './driver.ts'

export type PackagedDriver = Pick<Driver, 'runtime' | 'cpuArch'>

export interface PackagedFile {
  readonly path: string
  readonly mode: number
  /** The first bytes of its content. */
  readonly head: Uint8Array
}

const libraryName = /\.(?:node|so(?:\.\d+)*)$/
/** Where packages of npm keep a library for every processor there is, of which the one that fits is loaded. */
const ofAnyProcessor = /(?:^|\/)prebuilds\//

/**
 * Whether the driver runs what is compiled in this file. Packages of npm bring what nobody runs: the library under the vendor's own
 * one for Node brings a test program for another processor.
 */
function isRun(path: string, runtime: PackagedDriver['runtime']): boolean {
  return runtime === 'c' || (libraryName.test(path) && !ofAnyProcessor.test(path))
}

/** Why one file cannot be in a package of this driver, or undefined. */
export function fileProblem({ path, mode, head }: PackagedFile, { runtime, cpuArch }: PackagedDriver): string | undefined {
  if (isMachineCode(head) && isRun(path, runtime)) {
    const problem = cpuArch === undefined ? undefined : machineProblem(head, cpuArch)
    if (problem !== undefined) return entryRefusal(path, problem)
  }
  if (runtime !== 'c' || path !== entryFileOf(runtime)) return undefined
  if (!isMachineCode(head) && !isScript(head)) return entryRefusal(path, 'is neither a compiled program nor a script that begins with #!')
  return (mode & 0o111) === 0 ? entryRefusal(path, 'has no execute permission; set it before packing') : undefined
}

/** Why a package cannot be released, or undefined; its files were checked one by one before. */
export function packageProblem(paths: ReadonlySet<string>, { runtime }: PackagedDriver): string | undefined {
  const entry = entryFileOf(runtime)
  if (paths.has(entry)) return undefined
  const nested = [...paths].find((path) => path.endsWith(`/${entry}`))
  const hint = nested === undefined ? '' : ` It was found as ${nested}: pack the files, not their folder.`
  return `the file ${entry} is missing at the top of the package.${hint}`
}
