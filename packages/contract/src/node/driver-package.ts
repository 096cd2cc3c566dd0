// The rules for a driver's code package, the same on both sides: the server applies them before a version may be released,
// the node before it unpacks, because it trusts no archive. Pure; a refusal is one sentence that names the entry.

export interface PackageEntry {
  readonly name: string
  readonly sizeBytes: number
  readonly compressedBytes: number
  /** Unix mode with its type bits, 0 when the archive was made elsewhere. */
  readonly mode: number
  readonly isEncrypted: boolean
}

export interface PackageLimits {
  /** Files and folders, those included that only a longer path names. */
  readonly maxEntries: number
  readonly maxBytes: number
  /** Expanded size of one entry over its packed size; text rarely passes 20, a bomb has a thousand. */
  readonly maxRatio: number
}

export const packageLimits: PackageLimits = { maxEntries: 20_000, maxBytes: 512 * 1024 * 1024, maxRatio: 200 }

/** Small files may shrink as much as they like. */
const ratioMattersFromBytes = 1024 * 1024
const longestPath = 1024
const longestPart = 255
/** Every folder on the way costs a system call. */
const deepest = 64
const fileType = { mask: 0o170000, file: 0o100000, folder: 0o040000, link: 0o120000 }

export type Verdict = { readonly path: string; readonly kind: 'file' | 'folder' } | { readonly problem: string }

/** A check for the entries of one package, to be asked in their order; `path` is relative and without dots. */
export function newPackageCheck({ maxEntries, maxBytes, maxRatio }: PackageLimits = packageLimits): (entry: PackageEntry) => Verdict {
  const seen: Seen = new Map()
  let bytes = 0
  return (entry) => {
    const { name, sizeBytes, compressedBytes } = entry
    const problem = nameProblem(name) ?? typeProblem(entry)
    if (problem !== undefined) return refused(name, problem)
    const path = plainPath(name)
    const kind = name.endsWith('/') || (entry.mode & fileType.mask) === fileType.folder ? 'folder' : 'file'
    const clash = path === '' ? undefined : claim(seen, path, kind)
    if (clash !== undefined) return refused(name, clash)
    if (seen.size > maxEntries) return { problem: `there are more than ${maxEntries} files and folders` }
    bytes += sizeBytes
    if (bytes > maxBytes) return refused(name, `brings the unpacked size above ${maxBytes} bytes`)
    const ratio = Math.round(sizeBytes / Math.max(1, compressedBytes))
    if (sizeBytes >= ratioMattersFromBytes && ratio > maxRatio) return refused(name, `grows ${ratio} times when unpacked`)
    return { path, kind }
  }
}

/** The words in which every refusal names its entry. */
export function entryRefusal(name: string, what: string): string {
  return `entry ${JSON.stringify(name.slice(0, 200))} ${what}`
}

function refused(name: string, what: string): Verdict {
  return { problem: entryRefusal(name, what) }
}

function nameProblem(name: string): string | undefined {
  if (name.length > longestPath) return `has a name longer than ${longestPath} characters`
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f\\]/.test(name)) return 'has a backslash or a control character in its name'
  if (name.startsWith('/') || /^[A-Za-z]:/.test(name)) return 'has an absolute path'
  const parts = name.split('/')
  if (parts.length > deepest) return `lies deeper than ${deepest} folders`
  if (parts.includes('..')) return 'leads out of the package'
  if (parts.some((part) => new TextEncoder().encode(part).length > longestPart)) {
    return `has a part longer than ${longestPart} bytes in its name`
  }
  return plainPath(name) === '' && !name.endsWith('/') ? 'has no name' : undefined
}

function typeProblem({ mode, isEncrypted }: PackageEntry): string | undefined {
  if (isEncrypted) return 'is encrypted'
  const type = mode & fileType.mask
  if (type === fileType.link) return 'is a link'
  return type === 0 || type === fileType.file || type === fileType.folder ? undefined : 'is a device, a pipe or a socket'
}

function plainPath(name: string): string {
  return name
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')
}

/** What has been seen, by its path as a file system would compare it that knows no case. */
type Seen = Map<string, { readonly path: string; readonly kind: 'file' | 'folder' }>

/** Two entries of one name, or a file where another entry needs a folder, also where only the case differs. */
function claim(seen: Seen, path: string, kind: 'file' | 'folder'): string | undefined {
  const before = seen.get(folded(path))
  if (before !== undefined && before.path !== path) return `differs from "${before.path}" only in case`
  if (before !== undefined && (before.kind === 'file' || kind === 'file')) return 'appears twice'
  seen.set(folded(path), { path, kind })
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    const parent = path.slice(0, end)
    const known = seen.get(folded(parent))
    if (known?.kind === 'file') return 'lies inside a file'
    if (known !== undefined && known.path !== parent) return `lies in a folder that differs from "${known.path}" only in case`
    seen.set(folded(parent), { path: parent, kind: 'folder' })
  }
  return undefined
}

function folded(path: string): string {
  return path.normalize('NFC').toLowerCase()
}
