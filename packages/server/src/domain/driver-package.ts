// The rules for a driver's code package, applied to the list of its entries before it may be released: what a gateway
// unpacks must neither leave its folder nor fill its disk, and must hold the file that is started.
import { entryFileOf, type Runtime } from './driver.ts'

export interface PackageEntry {
  readonly name: string
  readonly sizeBytes: number
  readonly compressedBytes: number
  /** Unix mode of the entry, 0 when the archive was made elsewhere. */
  readonly mode: number
}

export const maxPackageEntries = 20_000
export const maxExpandedBytes = 512 * 1024 * 1024
/** More is not code but a bomb; small files are let off, because text of one letter shrinks further. */
const maxRatio = 200
const ratioFromBytes = 10 * 1024 * 1024

const fileTypeMask = 0o170000
const allowedFileTypes = [0, 0o100000, 0o040000]

/** Why one entry cannot be in a package, or undefined. */
export function entryProblem({ name, sizeBytes, compressedBytes, mode }: PackageEntry): string | undefined {
  if (name.includes('\0') || name.includes('\\')) return `entry ${JSON.stringify(name)} has a forbidden character in its name.`
  if (name.startsWith('/') || /^[A-Za-z]:/.test(name)) return `entry ${name} has an absolute path.`
  if (name.split('/').includes('..')) return `entry ${name} leaves the package.`
  if (!allowedFileTypes.includes(mode & fileTypeMask)) return `entry ${name} is neither a file nor a folder.`
  if (sizeBytes > maxExpandedBytes) return `entry ${name} unpacks to more than ${maxExpandedBytes} bytes.`
  if (sizeBytes > ratioFromBytes && sizeBytes > compressedBytes * maxRatio)
    return `entry ${name} is compressed more than ${maxRatio} times.`
  return undefined
}

/** Why a package cannot be released, or undefined; entries were checked one by one before. */
export function packageProblem(names: ReadonlySet<string>, runtime: Runtime): string | undefined {
  const entry = entryFileOf(runtime)
  if (names.has(entry)) return undefined
  const nested = [...names].find((name) => name.endsWith(`/${entry}`))
  const hint = nested === undefined ? '' : ` It was found as ${nested}: pack the files, not their folder.`
  return `the file ${entry} is missing at the top of the package.${hint}`
}
