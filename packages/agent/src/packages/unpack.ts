// Unpacks a driver package. The archive is a stranger's: nothing of it may land outside its folder, become a link or a
// device, or grow beyond bounds. A refusal names the entry, and nothing of a refused archive stays behind.
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { crc32, inflateRawSync } from 'node:zlib'
import { entryRefusal, newPackageCheck, type PackageLimits, packageLimits } from '@littoral/contract/node/driver-package'
import type { Entry, ZipFile } from 'yauzl'
import { required } from '../required.ts'
import { hasCode } from '../files.ts'
import { StepError } from '../runtime/runtime.ts'

/** Of a package that is held in memory: what is larger goes to the disk piece by piece. */
const mostAtOnce = 1024 * 1024

/**
 * Fills `folder`, which must not exist yet, or throws StepError PackageRejected and leaves nothing. `archive`: its path, or, of a
 * small one, its bytes.
 */
export async function unpack(
  archive: string | Buffer,
  folder: string,
  signal: AbortSignal,
  limits: PackageLimits = packageLimits,
): Promise<void> {
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

async function unpackInto(archive: string | Buffer, folder: string, signal: AbortSignal, limits: PackageLimits): Promise<void> {
  const zip = await openZip(archive)
  const check = newPackageCheck(limits)
  try {
    if (zip.entryCount > limits.maxEntries) throw rejected(`there are more than ${limits.maxEntries} files and folders`)
    // The whole list first: most refusals then cost no writing.
    const accepted: { entry: Entry; target: string; isFolder: boolean }[] = []
    for (let entry = await nextEntry(zip); entry; entry = await nextEntry(zip)) {
      const { fileName: name, uncompressedSize: sizeBytes, compressedSize: compressedBytes } = entry
      const verdict = check({ name, sizeBytes, compressedBytes, mode: unixMode(entry), isEncrypted: entry.isEncrypted() })
      if ('problem' in verdict) throw rejected(verdict.problem)
      accepted.push({ entry, target: join(folder, verdict.path), isFolder: verdict.kind === 'folder' })
    }
    for (const { entry, target, isFolder } of accepted) {
      signal.throwIfAborted()
      if (isFolder) await mkdir(target, { recursive: true, mode: 0o755 })
      else if (typeof archive !== 'string' && entry.uncompressedSize <= mostAtOnce) await writeAtOnce(zip, entry, target)
      else await writeEntry(zip, entry, target, signal)
    }
  } finally {
    zip.close()
  }
}

async function writeEntry(zip: ZipFile, entry: Entry, target: string, signal: AbortSignal): Promise<void> {
  await mkdir(dirname(target), { recursive: true, mode: 0o755 })
  try {
    const content = await openEntry(zip, entry)
    // 'wx': an entry never writes through something that is there already.
    const file = createWriteStream(target, { flags: 'wx', mode: isExecutable(entry) ? 0o755 : 0o644 })
    await pipeline(content, checked(entry), file, { signal })
  } catch (error) {
    if (signal.aborted || error instanceof StepError || isSystemError(error)) throw error
    throw rejected(entryRefusal(entry.fileName, `cannot be unpacked (${(error as Error).message})`))
  }
}

/**
 * Without a pause in between. Thirty drivers are fetched while others start already, and on a busy machine every wait for the disk's
 * threads costs more than these few system calls.
 */
async function writeAtOnce(zip: ZipFile, entry: Entry, target: string): Promise<void> {
  try {
    const chunks: Buffer[] = []
    for await (const chunk of await openEntry(zip, entry, { isRaw: true })) chunks.push(chunk as Buffer)
    const bytes = inflated(Buffer.concat(chunks), entry)
    if (crc32(bytes) !== entry.crc32) throw damaged(entry)
    mkdirSync(dirname(target), { recursive: true, mode: 0o755 })
    writeFileSync(target, bytes, { flag: 'wx', mode: isExecutable(entry) ? 0o755 : 0o644 })
  } catch (error) {
    if (error instanceof StepError || isSystemError(error)) throw error
    throw rejected(entryRefusal(entry.fileName, `cannot be unpacked (${(error as Error).message})`))
  }
}

/** What the list of the archive calls the one way of compression there is. */
const deflated = 8

function inflated(raw: Buffer, { compressionMethod, uncompressedSize }: Entry): Buffer {
  // One byte of room more, or an empty entry would have none.
  const bytes = compressionMethod === deflated ? inflateRawSync(raw, { maxOutputLength: uncompressedSize + 1 }) : raw
  if (bytes.length !== uncompressedSize) throw new Error(`it does not have the ${uncompressedSize} bytes that it says`)
  return bytes
}

function openZip(archive: string | Buffer): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    const opened = (error: Error | null, zip: ZipFile) => (error ? reject(error) : resolve(zip))
    if (typeof archive === 'string') required('yauzl').open(archive, { lazyEntries: true, autoClose: false }, opened)
    else required('yauzl').fromBuffer(archive, { lazyEntries: true }, opened)
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

/** `isRaw`: as it lies in the archive. */
function openEntry(zip: ZipFile, entry: Entry, { isRaw = false } = {}): Promise<Readable> {
  return new Promise((resolve, reject) => {
    const opened = (error: Error | null, content: Readable) => (error ? reject(error) : resolve(content))
    if (isRaw && entry.compressionMethod === deflated)
      zip.openReadStream(entry, { decompress: false, decrypt: null, start: null, end: null }, opened)
    else zip.openReadStream(entry, opened)
  })
}

// The library compares sizes as well, but not checksums; this bound holds even where its check is off.
function checked(entry: Entry): Transform {
  let bytes = 0
  let sum = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      sum = crc32(chunk, sum)
      if (bytes > entry.uncompressedSize) done(rejected(entryRefusal(entry.fileName, 'is larger than it says')))
      else done(null, chunk)
    },
    flush(done) {
      done(sum === entry.crc32 ? null : damaged(entry))
    },
  })
}

function damaged(entry: Entry): StepError {
  return rejected(entryRefusal(entry.fileName, 'is damaged: its checksum is wrong'))
}

function isExecutable(entry: Entry): boolean {
  return (unixMode(entry) & 0o111) !== 0
}

/** The mode of an entry packed on Unix, 0 otherwise. */
function unixMode(entry: Entry): number {
  return entry.versionMadeBy >>> 8 === 3 ? entry.externalFileAttributes >>> 16 : 0
}

function rejected(what: string): StepError {
  return new StepError('PackageRejected', `driver package: ${what}`, { isStalled: true })
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error
}
