// Driver packages on this machine: brought here once per digest, unpacked once, and laid out for each instance of a
// driver. Used by whatever runs drivers, as a process or as a container.
//
//   <folder>/objects/<sha256>      downloaded files (config files; a package only until it is unpacked)
//   <folder>/unpacked/<sha256>/    the content of a package, read-only by agreement
import { copyFileSync, constants, existsSync, lchownSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { chmod, chown, copyFile, mkdir, readdir, readlink, rename, rm, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setImmediate, setTimeout } from 'node:timers/promises'
import type { DriverWorkload, Workload } from '@littoral/contract/node/desired-state'
import { syncFolder, syncTree, writeAtomically } from '../files.ts'
import type { OpenObject } from '../objects.ts'
import { type OnProgress, type Stock, StepError } from '../runtime/runtime.ts'
import { download, fetchWhole } from './download.ts'
import { checkEntry } from './languages.ts'
import { packageStock } from './stock.ts'
import { unpack } from './unpack.ts'

/** The file of a driver's folder that holds exactly the workload's `config` text, and the variable with its path. */
export const configFileName = 'driver_config.json'
export const configVariable = 'LITTORAL_DRIVER_CONFIG'

/** Where the code of built-in drivers lies by the vendor's convention, in a folder with the driver's name. */
const builtInFolder = '/linkedge/pre-installed'
const keepAfterMs = 3000
/** A package no larger than this is fetched into memory and unpacked from there; most drivers are a few files of text. */
const smallBytes = 256 * 1024
const longestConfigVariable = 128 * 1024 - 64

interface Laying {
  readonly isSyncedLater?: boolean
  readonly uid?: number | undefined
}

export class DriverPackages {
  readonly #folder: string
  readonly #openObject: OpenObject
  readonly #builtIn: string
  /** Packages that were refused since the agent began, by digest. */
  readonly #rejected = new Map<string, StepError>()
  #isClosed = false
  /** What is being brought here, by path; never rejects. */
  readonly #turns = new Map<string, Promise<void>>()

  constructor(folder: string, openObject: OpenObject, builtIn = builtInFolder) {
    this.#folder = folder
    this.#openObject = openObject
    this.#builtIn = builtIn
  }

  /** Downloads what is not here yet, unpacks the package and looks for what it starts from. Throws StepError. */
  async prepare(workload: DriverWorkload, signal: AbortSignal, onProgress: OnProgress): Promise<void> {
    for (const { name } of workload.files) checkFileName(name)
    await this.#close()
    for (const { name, path, sha256, sizeBytes } of workload.files) {
      const file = { subject: name, path, sha256, sizeBytes, target: this.#object(sha256) }
      await this.#alone(file.target, () => download(file, this.#openObject, signal, onProgress))
    }
    await this.#alone(this.codeOf(workload), () => this.#unpackOnce(workload, signal, onProgress))
    await checkEntry(workload, this.codeOf(workload))
  }

  /** Drivers may share a package or a file, and are prepared side by side: the second waits, and finds it there. */
  async #alone(path: string, work: () => Promise<void>): Promise<void> {
    const turn = (this.#turns.get(path) ?? Promise.resolve()).then(work)
    const settled = turn.catch(() => {})
    this.#turns.set(path, settled)
    try {
      await turn
    } finally {
      if (this.#turns.get(path) === settled) this.#turns.delete(path)
    }
  }

  /** The folder with the driver's code, after prepare. */
  codeOf({ package: content, driverName }: DriverWorkload): string {
    if (content) return this.#unpacked(content.sha256)
    checkFileName(driverName)
    return join(this.#builtIn, driverName)
  }

  /**
   * Fills an instance's own folder with the driver's code; the instance may write there. Nothing of it runs yet. `isSyncedLater`: the
   * caller brings it to the disk when nobody waits for it. `uid`: whose it becomes, all of it.
   */
  async layOut(workload: DriverWorkload, folder: string, { isSyncedLater = false, uid }: Laying = {}): Promise<void> {
    const source = this.codeOf(workload)
    if (!existsSync(source)) throw new StepError('PackageMissing', 'the package is not on this machine any more; it is fetched again')
    await copyFolder(source, folder, uid)
    await this.#placeFiles(workload, folder, uid)
    const config = join(folder, configFileName)
    if (isSyncedLater) writeFileSync(config, workload.config, { mode: 0o644 })
    else await writeAtomically(config, workload.config, 0o644)
    if (uid !== undefined) lchownSync(config, uid, uid)
  }

  /**
   * Writes config and config files into an instance's folder, each of them at once, so that a driver never reads a half. They
   * are made beside the folder: within it the driver could put a link in the way, and have the agent write elsewhere.
   */
  async placeConfig(workload: DriverWorkload, folder: string, uid?: number): Promise<void> {
    const aside = `${folder}.placing`
    await rm(aside, { recursive: true, force: true })
    await mkdir(aside, { recursive: true, mode: 0o700 })
    try {
      for (const { name, sha256 } of workload.files) {
        checkFileName(name)
        await copyFile(this.#object(sha256), join(aside, name), constants.COPYFILE_FICLONE)
        await chmod(join(aside, name), 0o644)
      }
      await writeAtomically(join(aside, configFileName), workload.config, 0o644)
      for (const name of [...workload.files.map((file) => file.name), configFileName]) {
        if (uid !== undefined) await chown(join(aside, name), uid, uid)
        await rename(join(aside, name), join(folder, name))
      }
    } finally {
      await rm(aside, { recursive: true, force: true })
    }
  }

  /** Config files, into a folder of which nothing runs yet. */
  async #placeFiles(workload: DriverWorkload, folder: string, uid: number | undefined): Promise<void> {
    for (const { name, sha256 } of workload.files) {
      checkFileName(name)
      await copyFile(this.#object(sha256), join(folder, name), constants.COPYFILE_FICLONE)
      await chmod(join(folder, name), 0o644)
      if (uid !== undefined) lchownSync(join(folder, name), uid, uid)
    }
  }

  /** What was unpacked or downloaded whole; see tidy() for the rest. */
  get stock(): Stock {
    return packageStock(this.#folder)
  }

  /** Drops what was left half-way of what none of these workloads needs. */
  async tidy(keep: readonly Workload[]): Promise<void> {
    const drivers = keep.filter((workload) => workload.kind === 'driver')
    const packages = new Set(drivers.map((workload) => workload.package?.sha256))
    for (const sha256 of this.#rejected.keys()) if (!packages.has(sha256)) this.#rejected.delete(sha256)
    const needed = new Set(keep.flatMap((workload) => this.stock.needs(workload)))
    for (const name of await list(join(this.#folder, 'objects'))) {
      const isWanted = !name.endsWith('.part') || needed.has(`objects/${name.replace(/\.part$/, '')}`)
      if (!isWanted) await rm(join(this.#folder, 'objects', name), { force: true })
    }
    for (const name of await list(join(this.#folder, 'unpacked'))) {
      const isWhole = /^[0-9a-f]{64}$/.test(name)
      if (!isWhole) await rm(join(this.#folder, 'unpacked', name), { recursive: true, force: true })
    }
  }

  async #unpackOnce(workload: DriverWorkload, signal: AbortSignal, onProgress: OnProgress): Promise<void> {
    const unpacked = this.codeOf(workload)
    if (existsSync(unpacked)) return
    const content = workload.package
    if (!content) throw new StepError('BuiltInMissing', `there is no built-in driver in ${unpacked}`, { isStalled: true })
    const refusal = this.#rejected.get(content.sha256)
    if (refusal) throw refusal
    const target = this.#object(content.sha256)
    const held = content.sizeBytes <= smallBytes ? await fetchWhole(content, this.#openObject, signal) : undefined
    const file = { ...content, subject: workload.driverName, target, isPassing: true }
    if (held === undefined) await download(file, this.#openObject, signal, onProgress)
    onProgress('unpacking')
    try {
      await unpack(held ?? target, unpacked, signal)
    } catch (error) {
      if (error instanceof StepError && error.code === 'PackageRejected') {
        // The same bytes would be refused again: neither are they kept nor fetched once more for it.
        this.#rejected.set(content.sha256, error)
        await rm(target, { force: true })
      }
      throw error
    }
    void this.#keepSoon(unpacked)
    if (held === undefined) await rm(target, { force: true })
  }

  /** Brings an unpacked package to the disk, when nobody waits for it. Tidying up may come first. */
  async #keepSoon(folder: string): Promise<void> {
    await setTimeout(keepAfterMs, undefined, { ref: false })
    await syncTree(folder, () => false).catch(() => {})
    await syncFolder(dirname(folder)).catch(() => {})
  }

  /** One driver's code is no other's business, and theirs run as users of their own. */
  async #close(): Promise<void> {
    if (this.#isClosed) return
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    await chmod(this.#folder, 0o700)
    this.#isClosed = true
  }

  #object(sha256: string): string {
    return join(this.#folder, 'objects', checkDigest(sha256))
  }

  #unpacked(sha256: string): string {
    return join(this.#folder, 'unpacked', checkDigest(sha256))
  }
}

/** The environment every driver gets (contract: iot-edge §8). */
export function driverEnvironment(workload: DriverWorkload, configPath: string): Record<string, string> {
  const environment: Record<string, string> = {
    FUNCTION_ID: workload.driverId,
    FUNCTION_NAME: workload.driverName,
    [configVariable]: configPath,
  }
  // Old samples read this one; the system refuses to start a program with a longer variable, which then finds it in the file.
  if (Buffer.byteLength(workload.config) <= longestConfigVariable) environment.FC_DRIVER_CONFIG = workload.config
  return environment
}

function checkDigest(sha256: string): string {
  if (!/^[0-9a-f]{64}$/.test(sha256))
    throw new StepError('PackageRejected', `"${sha256.slice(0, 80)}" is not a SHA-256 digest`, { isStalled: true })
  return sha256
}

function checkFileName(name: string): void {
  const isPlain = name !== '' && name !== '.' && name !== '..' && basename(name) === name && !name.includes('\\') && !name.includes('\0')
  if (!isPlain || name === configFileName) throw new StepError('NameRejected', `"${name}" is not a plain file name`, { isStalled: true })
}

/** A file no larger than this is copied at once. */
const quickBytes = 64 * 1024
/** As many in a row, then others have a turn. */
const quickAtOnce = 32

/**
 * The library's own recursive copy asks so much about each file that it takes three times as long for a small package, and waits
 * in between: a small file is copied faster than a thread gets a turn on a machine where drivers are starting.
 */
async function copyFolder(source: string, target: string, uid: number | undefined): Promise<void> {
  mkdirSync(target, { recursive: true, mode: 0o755 })
  let count = 0
  for (const entry of readdirSync(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)]
    if (entry.isDirectory()) await copyFolder(from, to, uid)
    else if (entry.isSymbolicLink()) await symlink(await readlink(from), to)
    else if (lstatSync(from).size > quickBytes) await copyFile(from, to, constants.COPYFILE_FICLONE)
    else copyFileSync(from, to, constants.COPYFILE_FICLONE)
    if (uid !== undefined && !entry.isDirectory()) lchownSync(to, uid, uid)
    if (++count % quickAtOnce === 0) await setImmediate()
  }
  if (uid !== undefined) lchownSync(target, uid, uid)
}

async function list(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => [])
}
