// What a driver sends over its bus, cut into messages. A driver is a stranger: sizes are bounded, and a header is read here,
// field by field, before the library unpacks a body, and only bodies of plain values are unpacked at all.
import type { BusMessage } from './codec.ts'

/** A header as it came; what a message does not say is empty. */
export type BusHeader = Required<Omit<BusMessage, 'body'>> & { readonly hasBody: boolean }

const longestLine = 4096
const longestMessage = 4 * 1024 * 1024
const longestHeader = 64 * 1024
const littleEndian = 'l'.charCodeAt(0)
/** Values every call of a driver is made of: strings, whole numbers, flags. */
const plainBody = /^[suib]{0,8}$/

/** Something that is no D-Bus, or more of it than is taken; the connection ends with it. */
export class BusViolation extends Error {
  override readonly name = 'BusViolation'
}

/** Collects bytes and gives them back as lines (while signing in) and as whole messages. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
  }

  /** The next line without its end, or undefined while it is not whole. */
  line(): string | undefined {
    const end = this.#rest.indexOf('\r\n')
    if (end > longestLine || (end < 0 && this.#rest.length > longestLine)) throw new BusViolation('a line without end')
    if (end < 0) return undefined
    const text = this.#rest.toString('latin1', 0, end)
    this.#rest = this.#rest.subarray(end + 2)
    return text
  }

  /** The next whole message, or undefined while it is not there. */
  message(): Buffer | undefined {
    if (this.#rest.length < 16) return undefined
    const isLittle = this.#rest[0] === littleEndian
    const read = (at: number) => (isLittle ? this.#rest.readUInt32LE(at) : this.#rest.readUInt32BE(at))
    const [bodyLength, headerLength] = [read(4), read(12)]
    if (headerLength > longestHeader || bodyLength > longestMessage) throw new BusViolation('a message that is too long')
    const whole = 16 + Math.ceil(headerLength / 8) * 8 + bodyLength
    if (this.#rest.length < whole) return undefined
    const message = this.#rest.subarray(0, whole)
    this.#rest = this.#rest.subarray(whole)
    return message
  }
}

const fields = [undefined, 'path', 'interface', 'member', 'errorName', 'replySerial', 'destination', 'sender', 'signature'] as const

/** The header of a whole message. Throws BusViolation. */
export function readHeader(message: Buffer): BusHeader {
  const cursor = new Cursor(message)
  const found: Record<string, string | number> = {}
  const end = 16 + cursor.number(12)
  cursor.at = 16
  while (cursor.at < end) {
    cursor.align(8)
    const name = fields[cursor.byte()]
    const value = cursor.value(cursor.shortText())
    if (name !== undefined) found[name] = value
  }
  const text = (name: string) => (typeof found[name] === 'string' ? String(found[name]) : '')
  return {
    type: message[1] ?? 0,
    flags: message[2] ?? 0,
    serial: cursor.number(8),
    path: text('path'),
    interface: text('interface'),
    member: text('member'),
    errorName: text('errorName'),
    replySerial: Number(found['replySerial'] ?? 0),
    destination: text('destination'),
    sender: text('sender'),
    signature: text('signature'),
    hasBody: cursor.number(4) > 0,
  }
}

export function isPlain({ signature }: Pick<BusHeader, 'signature'>): boolean {
  return plainBody.test(signature)
}

class Cursor {
  readonly #bytes: Buffer
  readonly #isLittle: boolean
  at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.#isLittle = bytes[0] === littleEndian
  }

  align(size: number): void {
    this.at = Math.ceil(this.at / size) * size
  }

  byte(): number {
    this.#need(1)
    return this.#bytes.readUInt8(this.at++)
  }

  number(at: number): number {
    return this.#isLittle ? this.#bytes.readUInt32LE(at) : this.#bytes.readUInt32BE(at)
  }

  shortText(): string {
    return this.#text(this.byte())
  }

  /** The types a header may hold: texts, and the number of the call an answer belongs to. */
  value(type: string): string | number {
    if (type === 'g') return this.shortText()
    if (type !== 's' && type !== 'o' && type !== 'u') throw new BusViolation('a header with a field of an odd type')
    this.align(4)
    this.#need(4)
    const number = this.number(this.at)
    this.at += 4
    return type === 'u' ? number : this.#text(number)
  }

  #text(length: number): string {
    this.#need(length + 1)
    const text = this.#bytes.toString('utf8', this.at, this.at + length)
    this.at += length + 1
    return text
  }

  #need(count: number): void {
    if (this.at + count > this.#bytes.length) throw new BusViolation('a header that ends too soon')
  }
}
