// Looks through a driver's code package before its version may be released. Every entry is expanded, not only listed: a list
// can lie about sizes, and damage shows in the content alone. Called by object-store.ts.
import type { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import { entryRefusal, newPackageCheck, packageLimits } from '@littoral/contract/node/driver-package'
import { headBytes } from '@littoral/contract/node/machine-code'
import yauzl, { type Entry, type ZipFile } from 'yauzl'
import { fileProblem, type PackagedDriver, packageProblem } from '../domain/driver-package.ts'
import { openTurns } from './turns.ts'

const inTurn = openTurns()

/** Why the file is no package that could be started, or undefined. One package at a time: each may expand to half a gigabyte. */
export function findPackageProblem(path: string, driver: PackagedDriver): Promise<string | undefined> {
  return inTurn(() => inspect(path, driver))
}

async function inspect(path: string, driver: PackagedDriver): Promise<string | undefined> {
  let zip: ZipFile
  try {
    zip = await open(path)
  } catch (error) {
    return `the file is not a readable zip archive (${(error as Error).message}).`
  }
  try {
    return await readEntries(zip, driver)
  } catch (error) {
    return `the zip archive is damaged (${(error as Error).message}).`
  } finally {
    zip.close()
  }
}

function open(path: string): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    yauzl.open(path, { lazyEntries: true, autoClose: false }, (error, zip) => (error ? reject(error) : resolve(zip)))
  })
}

async function readEntries(zip: ZipFile, driver: PackagedDriver): Promise<string | undefined> {
  const { maxEntries } = packageLimits
  if (zip.entryCount > maxEntries) return `there are more than ${maxEntries} files and folders.`
  const check = newPackageCheck()
  const paths = new Set<string>()
  for (let entry = await nextEntry(zip); entry !== undefined; entry = await nextEntry(zip)) {
    const mode = unixMode(entry)
    const { fileName: name, uncompressedSize: sizeBytes, compressedSize: compressedBytes } = entry
    const verdict = check({ name, sizeBytes, compressedBytes, mode, isEncrypted: entry.isEncrypted() })
    if ('problem' in verdict) return `${verdict.problem}.`
    if (verdict.kind === 'folder') continue
    const content = await readEntry(zip, entry)
    const problem = 'problem' in content ? content.problem : fileProblem({ path: verdict.path, mode, head: content.head }, driver)
    if (problem !== undefined) return `${problem}.`
    paths.add(verdict.path)
  }
  return packageProblem(paths, driver)
}

/** The next entry; the library itself refuses absolute paths and such that lead out, by name. */
function nextEntry(zip: ZipFile): Promise<Entry | undefined> {
  return new Promise((resolve, reject) => {
    zip.removeAllListeners()
    zip.once('entry', resolve)
    zip.once('end', () => resolve(undefined))
    zip.once('error', reject)
    zip.readEntry()
  })
}

/** Reads an entry to its end and keeps the beginning. The library ends it with an error when it is longer than it says. */
async function readEntry(zip: ZipFile, entry: Entry): Promise<{ head: Uint8Array } | { problem: string }> {
  let head = Buffer.alloc(0)
  let sum = 0
  try {
    for await (const chunk of (await openEntry(zip, entry)) as AsyncIterable<Buffer>) {
      if (head.length < headBytes) head = Buffer.concat([head, chunk.subarray(0, headBytes - head.length)])
      sum = crc32(chunk, sum)
    }
  } catch (error) {
    return { problem: entryRefusal(entry.fileName, `cannot be read (${(error as Error).message})`) }
  }
  return sum === entry.crc32 ? { head } : { problem: entryRefusal(entry.fileName, 'is damaged: its checksum is wrong') }
}

function openEntry(zip: ZipFile, entry: Entry): Promise<Readable> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, content) => (error ? reject(error) : resolve(content)))
  })
}

const madeByUnix = 3

function unixMode({ versionMadeBy, externalFileAttributes }: Entry): number {
  return versionMadeBy >>> 8 === madeByUnix ? externalFileAttributes >>> 16 : 0
}
