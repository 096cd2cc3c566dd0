// Unpacks a driver package. The archive is a stranger's: nothing of it may land outside its folder, become a link or a
// device, or grow beyond bounds. A refusal names the entry, and nothing of a refused archive stays behind.
import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Entry, ZipFile } from 'yauzl'
import { required } from '../required.ts'
import { hasCode } from '../files.ts'
import { StepError } from '../runtime/runtime.ts'

export interface UnpackLimits {
  readonly maxEntries: number
  readonly maxBytes: number
  /** Expanded size of one entry over its packed size; text rarely passes 20, a bomb has a thousand. */
  readonly maxRatio: number
}

export const unpackLimits: UnpackLimits = { maxEntries: 20_000, maxBytes: 512 * 1024 * 1024, maxRatio: 200 }
/** Small files may shrink as much as they like. */
const ratioMattersFromBytes = 1024 * 1024
const longestPath = 1024

/** Fills `folder`, which must not exist yet, or throws StepError PackageRejected and leaves nothing. */
export async function unpack(archive: string, folder: string, signal: AbortSignal, limits: UnpackLimits = unpackLimits): Promise<void> {
  const temporary = `${folder}.unpacking`
  await rm(temporary, { recursive: true, force: true })
  await mkdir(temporary, { recursive: true, mode: 0o755 })
  try {
    await unpackInto(archive, temporary, signal, limits)
    await rename(temporary, folder)
  } catch (error) {
    await rm(temporary, { recursive: true, force: true })
    if (hasCode(error, 'ENOSPC')) throw new StepError('DiskFull', 'no space is left on the disk to unpack the package', { cause: error })
    if (signal.aborted || error instanceof StepError || isSystemError(error)) throw error
    throw rejected(error instanceof Error ? error.message : String(error))
  }
}

async function unpackInto(archive: string, folder: string, signal: AbortSignal, limits: UnpackLimits): Promise<void> {
  const zip = await openZip(archive)
  const seen = new Map<string, 'file' | 'folder'>()
  let bytes = 0
  try {
    if (zip.entryCount > limits.maxEntries) throw rejected(`${zip.entryCount} entries, at most ${limits.maxEntries} are allowed`)
    for (let entry = await nextEntry(zip); entry; entry = await nextEntry(zip)) {
      signal.throwIfAborted()
      const path = safePath(entry)
      const kind = kindOf(entry)
      claim(seen, path, kind, entry)
      if (seen.size > limits.maxEntries) throw rejected(`more than ${limits.maxEntries} files and folders`)
      bytes += entry.uncompressedSize
      checkSize(entry, bytes, limits)
      if (kind === 'folder') await mkdir(join(folder, path), { recursive: true, mode: 0o755 })
      else await writeEntry(zip, entry, join(folder, path), signal)
    }
  } finally {
    zip.close()
  }
}

async function writeEntry(zip: ZipFile, entry: Entry, target: string, signal: AbortSignal): Promise<void> {
  await mkdir(dirname(target), { recursive: true, mode: 0o755 })
  const content = await openEntry(zip, entry)
  // 'wx': an entry never writes through something that is there already.
  await pipeline(content, bounded(entry), createWriteStream(target, { flags: 'wx', mode: isExecutable(entry) ? 0o755 : 0o644 }), { signal })
}

function openZip(archive: string): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    required('yauzl').open(archive, { lazyEntries: true, autoClose: false }, (error, zip) => (error ? reject(error) : resolve(zip)))
  })
}

/** The next entry; the library already refuses absolute paths and such that lead out, by name. */
function nextEntry(zip: ZipFile): Promise<Entry | undefined> {
  return new Promise((resolve, reject) => {
    zip.removeAllListeners()
    zip.once('entry', resolve)
    zip.once('end', () => resolve(undefined))
    zip.once('error', reject)
    zip.readEntry()
  })
}

function openEntry(zip: ZipFile, entry: Entry): Promise<Readable> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, content) => (error ? reject(error) : resolve(content)))
  })
}

// The library compares sizes as well; this bound holds even where its check is off.
function bounded(entry: Entry): Transform {
  let bytes = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      if (bytes > entry.uncompressedSize) done(rejected('is larger than it says', entry))
      else done(null, chunk)
    },
  })
}

/** The entry's path, relative and without dots. */
function safePath(entry: Entry): string {
  const name = entry.fileName
  if (name.length > longestPath) throw rejected(`has a name longer than ${longestPath} characters`, entry)
  if (name.includes('\0') || name.includes('\\')) throw rejected('has a backslash or a zero byte in its name', entry)
  if (name.startsWith('/') || /^[A-Za-z]:/.test(name)) throw rejected('has an absolute path', entry)
  const parts = name.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) throw rejected('leads out of the package', entry)
  if (parts.some((part) => Buffer.byteLength(part) > 255)) throw rejected('has a part longer than 255 bytes in its name', entry)
  if (parts.length === 0 && !name.endsWith('/')) throw rejected('has no name', entry)
  return parts.join('/')
}

function kindOf(entry: Entry): 'file' | 'folder' {
  if (entry.isEncrypted()) throw rejected('is encrypted', entry)
  const type = unixMode(entry) & 0o170000
  if (type === 0o120000) throw rejected('is a link', entry)
  if (type !== 0 && type !== 0o100000 && type !== 0o040000) throw rejected('is a device, a pipe or a socket', entry)
  return entry.fileName.endsWith('/') || type === 0o040000 ? 'folder' : 'file'
}

/** Two files of one name, or a file where another entry needs a folder, are refused before anything is written. */
function claim(seen: Map<string, 'file' | 'folder'>, path: string, kind: 'file' | 'folder', entry: Entry): void {
  if (path === '') return
  const before = seen.get(path)
  if (before && (before === 'file' || kind === 'file')) throw rejected('appears twice', entry)
  seen.set(path, kind)
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    const parent = path.slice(0, end)
    if (seen.get(parent) === 'file') throw rejected('lies inside a file', entry)
    seen.set(parent, 'folder')
  }
}

function checkSize(entry: Entry, bytesSoFar: number, { maxBytes, maxRatio }: UnpackLimits): void {
  if (bytesSoFar > maxBytes) throw rejected(`brings the unpacked size above ${maxBytes} bytes`, entry)
  const ratio = entry.uncompressedSize / Math.max(1, entry.compressedSize)
  if (entry.uncompressedSize >= ratioMattersFromBytes && ratio > maxRatio)
    throw rejected(`grows ${Math.round(ratio)} times when unpacked`, entry)
}

function isExecutable(entry: Entry): boolean {
  return (unixMode(entry) & 0o111) !== 0
}

/** The mode of an entry packed on Unix, 0 otherwise. */
function unixMode(entry: Entry): number {
  return entry.versionMadeBy >>> 8 === 3 ? entry.externalFileAttributes >>> 16 : 0
}

function rejected(what: string, entry?: Entry): StepError {
  const where = entry ? `entry "${entry.fileName.slice(0, 200)}" ` : ''
  return new StepError('PackageRejected', `driver package: ${where}${what}`, { isStalled: true })
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error
}
