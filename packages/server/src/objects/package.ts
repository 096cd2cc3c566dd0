// Looks into a driver's code package: reads the list of entries of the zip, not their content. Called by objects.ts.
import yauzl, { type Entry, type ZipFile } from 'yauzl'
import type { Runtime } from '../domain/driver.ts'
import { entryProblem, maxExpandedBytes, maxPackageEntries, packageProblem } from '../domain/driver-package.ts'

/** Why the file is no package that could be started, or undefined. */
export async function findPackageProblem(path: string, runtime: Runtime): Promise<string | undefined> {
  let zip: ZipFile
  try {
    zip = await open(path)
  } catch (error) {
    return `the file is not a readable zip archive (${(error as Error).message}).`
  }
  try {
    return await readEntries(zip, runtime)
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

function readEntries(zip: ZipFile, runtime: Runtime): Promise<string | undefined> {
  if (zip.entryCount > maxPackageEntries) return Promise.resolve(`the package has more than ${maxPackageEntries} entries.`)
  const names = new Set<string>()
  let expandedBytes = 0
  return new Promise((resolve, reject) => {
    zip.on('error', reject)
    zip.on('end', () => resolve(packageProblem(names, runtime)))
    zip.on('entry', (entry: Entry) => {
      expandedBytes += entry.uncompressedSize
      const problem = entryProblem(toEntry(entry)) ?? (names.has(entry.fileName) ? `entry ${entry.fileName} is there twice.` : undefined)
      if (problem !== undefined) return resolve(problem)
      if (expandedBytes > maxExpandedBytes) return resolve(`the package unpacks to more than ${maxExpandedBytes} bytes.`)
      if (entry.isEncrypted()) return resolve(`entry ${entry.fileName} is encrypted.`)
      names.add(entry.fileName)
      zip.readEntry()
    })
    zip.readEntry()
  })
}

const madeByUnix = 3

function toEntry(entry: Entry) {
  const isUnix = entry.versionMadeBy >>> 8 === madeByUnix
  return {
    name: entry.fileName,
    sizeBytes: entry.uncompressedSize,
    compressedBytes: entry.compressedSize,
    mode: isUnix ? entry.externalFileAttributes >>> 16 : 0,
  }
}
