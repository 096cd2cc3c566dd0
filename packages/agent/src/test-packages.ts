// Driver packages for tests, also such as no honest tool makes; and a source of objects that can fail on purpose.
import { crc32, deflateRawSync } from 'node:zlib'
import type { OpenObject } from './objects.ts'
import { sha256 } from './test-workloads.ts'

export interface PackedFile {
  readonly name: string
  readonly content?: string | Buffer
  /** Unix mode with its type bits; a plain file unless given. */
  readonly mode?: number
  /** What the archive claims the size to be. */
  readonly claimedSize?: number
  readonly isEncrypted?: boolean
  /** What the archive claims the checksum to be. */
  readonly claimedCrc?: number
  /** Where the archive claims the content to lie. */
  readonly claimedOffset?: number
  /** Extra field of the central directory. */
  readonly extra?: Buffer
}

/** A zip archive of plain files by name. */
export function pack(files: Readonly<Record<string, string | Omit<PackedFile, 'name'>>>): Buffer {
  return packEntries(Object.entries(files).map(([name, file]) => (typeof file === 'string' ? { name, content: file } : { name, ...file })))
}

/** A zip archive of exactly these entries, whatever they say. */
export function packEntries(entries: readonly PackedFile[]): Buffer {
  const locals: Buffer[] = []
  const central: Buffer[] = []
  let offset = 0
  for (const entry of entries) {
    const { local, listed } = packEntry(entry, offset)
    locals.push(local)
    central.push(listed)
    offset += local.length
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(entries.length, 4)
  end.writeUInt16LE(entries.length, 6)
  end.writeUInt32LE(directory.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...locals, directory, Buffer.from('PK\x05\x06'), end])
}

/** An entry as it lies in the archive, and as the list at the end shows it. */
function packEntry(entry: PackedFile, offset: number): { local: Buffer; listed: Buffer } {
  const { name, content = '', mode = 0o100644, claimedSize, isEncrypted, claimedCrc, claimedOffset, extra = Buffer.alloc(0) } = entry
  const raw = Buffer.from(content)
  const packed = deflateRawSync(raw)
  const nameBytes = Buffer.from(name)
  const shared = Buffer.alloc(26)
  shared.writeUInt16LE(20, 0)
  shared.writeUInt16LE(isEncrypted ? 0x801 : 0x800, 2)
  shared.writeUInt16LE(8, 4)
  shared.writeUInt32LE(claimedCrc ?? crc32(raw), 10)
  shared.writeUInt32LE(packed.length, 14)
  shared.writeUInt32LE(claimedSize ?? raw.length, 18)
  shared.writeUInt16LE(nameBytes.length, 22)
  const tail = Buffer.alloc(14)
  tail.writeUInt32LE((mode << 16) >>> 0, 6)
  tail.writeUInt32LE(claimedOffset ?? offset, 10)
  const sharedWithExtra = Buffer.from(shared)
  sharedWithExtra.writeUInt16LE(extra.length, 24)
  return {
    local: Buffer.concat([Buffer.from('PK\x03\x04'), shared, nameBytes, packed]),
    listed: Buffer.concat([Buffer.from('PK\x01\x02'), Buffer.from([20, 3]), sharedWithExtra, tail, nameBytes, extra]),
  }
}

/** Objects by digest, as the server would give them out. */
export class TestObjects {
  readonly #byPath = new Map<string, Buffer>()
  /** Where each body ends early, one entry per opening; then they are whole. */
  readonly cuts: number[] = []
  readonly opened: { path: string; fromByte: number }[] = []

  add(content: Buffer): { path: string; sha256: string; sizeBytes: number } {
    const digest = sha256(content)
    const path = `/node/v1/objects/${digest}`
    this.#byPath.set(path, content)
    return { path, sha256: digest, sizeBytes: content.length }
  }

  readonly open: OpenObject = async (path, fromByte) => {
    this.opened.push({ path, fromByte })
    const content = this.#byPath.get(path) ?? Buffer.alloc(0)
    const cut = this.cuts.shift()
    async function* body() {
      yield content.subarray(fromByte, cut)
      if (cut !== undefined) throw new Error('connection reset')
    }
    return { fromByte, body: Object.assign(body(), { destroy: () => {} }) }
  }
}
