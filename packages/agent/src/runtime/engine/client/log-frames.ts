// Splits the engine's multiplexed stream: frames of eight header bytes (stream, three zeros, length) and a payload.

export type LogStream = 'stdout' | 'stderr'
const headerBytes = 8

/** Returns a function to feed with raw chunks; `onFrame` gets payloads as they complete, in order. */
export function demultiplex(onFrame: (stream: LogStream, payload: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (rest.length >= headerBytes) {
      const end = headerBytes + rest.readUInt32BE(4)
      if (rest.length < end) return
      onFrame(rest[0] === 2 ? 'stderr' : 'stdout', rest.subarray(headerBytes, end))
      rest = rest.subarray(end)
    }
  }
}
