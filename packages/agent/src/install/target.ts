// The machine, or the folder, that something is installed on: writes and removes files and runs programs, or only says that it
// would. Each file is replaced in one step, so that an installation that is cut off leaves whole files.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { hasCode } from '../files.ts'

const programTimeoutMs = 90_000
const header = '// littoral-agent '

export interface TargetOptions {
  readonly root: string | undefined
  readonly isDryRun: boolean
  readonly print: (line: string) => void
}

export class Target {
  readonly #root: string | undefined
  readonly #isDryRun: boolean
  readonly #print: (line: string) => void

  constructor({ root, isDryRun, print }: TargetOptions) {
    this.#root = root === undefined ? undefined : resolve(root)
    this.#isDryRun = isDryRun
    this.#print = print
  }

  /** Not this machine but a folder. */
  get isElsewhere(): boolean {
    return this.#root !== undefined
  }

  /** This machine, with a systemd that can be talked to. */
  get isLive(): boolean {
    return this.#root === undefined && existsSync('/run/systemd/system')
  }

  /** Where a path of the machine lies. */
  path(path: string): string {
    return this.#root === undefined ? path : join(this.#root, path)
  }

  folder(path: string, mode: number): void {
    this.#print(`folder  ${this.path(path)} ${octal(mode)}`)
    if (!this.#isDryRun) this.#allowed(path, () => makeFolders(this.path(path), mode))
  }

  file(path: string, content: string | Buffer, mode: number): void {
    this.#print(`file    ${this.path(path)} ${octal(mode)}${typeof content === 'string' ? '' : ` (${content.length} bytes)`}`)
    if (this.#isDryRun) {
      if (typeof content === 'string') this.#print(masked(content).replace(/^/gm, '        ').trimEnd())
      return
    }
    this.#allowed(path, () => {
      const final = this.path(path)
      const spare = `${final}.${process.pid}.tmp`
      makeFolders(dirname(final), 0o755)
      rmSync(spare, { force: true })
      writeFileSync(spare, content, { mode, flag: 'wx', flush: true })
      renameSync(spare, final)
    })
  }

  remove(path: string): void {
    if (!existsSync(this.path(path))) return
    this.#print(`remove  ${this.path(path)}`)
    if (!this.#isDryRun) this.#allowed(path, () => rmSync(this.path(path), { force: true }))
  }

  /** Removes a folder that nothing is left in. */
  removeEmpty(path: string): void {
    const folder = this.path(path)
    if (!existsSync(folder) || readdirSync(folder).length > 0) return
    this.#print(`remove  ${folder}`)
    if (!this.#isDryRun) this.#allowed(path, () => rmdirSync(folder))
  }

  /** Removes a data folder, if it is one. */
  removeData(path: string): void {
    const folder = this.path(path)
    if (!existsSync(folder)) return
    const names = readdirSync(folder)
    const isOurs = names.length === 0 || names.some((name) => ['identity.json', 'owner.json', 'owner', 'desired.json'].includes(name))
    if (!isOurs) throw new Error(`${folder} does not look like the data folder of an agent; remove it yourself if it should go`)
    this.#print(`remove  ${folder} with all that is in it`)
    if (!this.#isDryRun) this.#allowed(path, () => rmSync(folder, { recursive: true, force: true }))
  }

  run(program: string, args: readonly string[]): void {
    this.#print(`run     ${program} ${args.join(' ')}`)
    if (this.#isDryRun) return
    const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8', timeout: programTimeoutMs })
    if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed: ${(stderr || error?.message || `status ${status}`).trim()}`)
  }

  #allowed(path: string, work: () => void): void {
    try {
      work()
    } catch (error) {
      const isForbidden = hasCode(error, 'EACCES') || hasCode(error, 'EPERM')
      if (isForbidden)
        throw new Error(`${this.path(path)} may not be written by this user; run it as root or with --root`, { cause: error })
      throw error
    }
  }
}

/** The bundle: the file that runs, or the one beside it that npm run build made. */
export function findBundle(own: string): string {
  const candidates = [own, join(dirname(own), 'littoral-agent.mjs'), join(dirname(own), '..', 'dist', 'littoral-agent.mjs')]
  const found = candidates.find((path) => existsSync(path) && readFileSync(path, 'utf8').startsWith(header))
  if (found === undefined) throw new Error('the bundled agent is missing; run npm run build')
  return found
}

/** Not by a recursive mkdir, for the reason that makeFolder in files.ts has. */
function makeFolders(folder: string, mode: number): void {
  const parent = dirname(folder)
  if (parent !== folder && !existsSync(parent)) makeFolders(parent, mode)
  if (isFolder(folder)) return
  try {
    mkdirSync(folder, { mode })
  } catch (error) {
    if (isFolder(folder)) return
    const { code = '' } = error as NodeJS.ErrnoException
    // Whoever asks has a sentence of its own for what this user may not do.
    if (!['ENOENT', 'ENOTDIR', 'EEXIST'].includes(code)) throw error
    throw new Error(`the folder ${folder} cannot be made (${code}); name another one`, { cause: error })
  }
}

function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory()
}

/** Secrets are shown to nobody who only wants to look. */
function masked(content: string): string {
  return content.replace(/^(LITTORAL_(?:TOKEN|GATEWAY_SECRET)=).*$/gm, '$1"…"')
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}
