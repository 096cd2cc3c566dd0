// Writes small tar archives (ustar) in memory: images made on the spot, and files copied into containers.

export interface TarEntry {
  /** Relative path, at most 255 bytes; a folder ends with a slash. */
  path: string
  content?: Buffer
  mode?: number
  /** Makes a symbolic link. */
  linkTo?: string
}

const blockBytes = 512

/** The whole archive. Times are zero and the owner is root, so equal entries give equal bytes. */
export function tarArchive(entries: readonly TarEntry[]): Buffer {
  const blocks: Buffer[] = []
  for (const entry of entries) {
    const content = entry.content ?? Buffer.alloc(0)
    blocks.push(header(entry, content.length), content, Buffer.alloc(padding(content.length)))
  }
  blocks.push(Buffer.alloc(2 * blockBytes))
  return Buffer.concat(blocks)
}

function header(entry: TarEntry, sizeBytes: number): Buffer {
  const isFolder = entry.path.endsWith('/')
  const block = Buffer.alloc(blockBytes)
  const { prefix, name } = splitPath(entry.path)
  block.write(name, 0, 100, 'utf8')
  octal(block, entry.mode ?? (isFolder ? 0o755 : 0o644), 100, 8)
  octal(block, 0, 108, 8)
  octal(block, 0, 116, 8)
  octal(block, sizeBytes, 124, 12)
  octal(block, 0, 136, 12)
  block.fill(' ', 148, 156)
  block.write(entry.linkTo === undefined ? (isFolder ? '5' : '0') : '2', 156)
  if (entry.linkTo !== undefined) block.write(entry.linkTo, 157, 100, 'utf8')
  block.write('ustar\x0000', 257, 'latin1')
  block.write(prefix, 345, 155, 'utf8')
  let sum = 0
  for (const byte of block) sum += byte
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

function octal(block: Buffer, value: number, offset: number, width: number): void {
  block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, offset, 'latin1')
}

function splitPath(path: string): { prefix: string; name: string } {
  if (Buffer.byteLength(path) <= 100) return { prefix: '', name: path }
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)]
    if (name !== '' && Buffer.byteLength(name) <= 100 && Buffer.byteLength(prefix) <= 155) return { prefix, name }
  }
  throw new Error(`the path is too long for a tar archive: ${path}`)
}

const padding = (sizeBytes: number) => (blockBytes - (sizeBytes % blockBytes)) % blockBytes
