// Stands between a driver's socket and the broker, which would collect a packet of any length: follows the lengths that packets
// begin with, and ends a connection that announces too much.
import { Duplex, Transform } from 'node:stream'
import type { Socket } from 'node:net'

/** A length is written in one to four bytes of seven bits each. */
const mostLengthBytes = 4

/** Follows the packets of a connection, chunk by chunk; throws when one is longer than it may be. */
export class PacketLengths {
  readonly #longest: number
  #left = 0
  #isInHeader = false
  #length = 0
  #lengthBytes = 0

  constructor(longest: number) {
    this.#longest = longest
  }

  take(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#left > 0) {
        const skipped = Math.min(this.#left, chunk.length - at)
        this.#left -= skipped
        at += skipped
      } else if (this.#isInHeader) this.#takeLength(chunk[at++] ?? 0)
      else {
        // The first byte says what the packet is.
        this.#isInHeader = true
        at += 1
      }
    }
  }

  #takeLength(byte: number): void {
    this.#length += (byte & 0x7f) * 128 ** this.#lengthBytes
    this.#lengthBytes += 1
    if ((byte & 0x80) !== 0 && this.#lengthBytes < mostLengthBytes) return
    if (this.#length > this.#longest) throw new Error(`a packet of ${this.#length} bytes`)
    this.#left = this.#length
    this.#isInHeader = false
    this.#length = 0
    this.#lengthBytes = 0
  }
}

/** The connection as the broker gets it. */
export function guarded(socket: Socket, longest: number): Duplex {
  const lengths = new PacketLengths(longest)
  const guard = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      try {
        lengths.take(chunk)
        done(null, chunk)
      } catch (error) {
        socket.destroy()
        done(error as Error)
      }
    },
  })
  const whole = Duplex.from({ readable: socket.pipe(guard), writable: socket })
  socket.once('close', () => whole.destroy())
  whole.once('close', () => socket.destroy())
  whole.on('error', () => socket.destroy())
  return whole
}
