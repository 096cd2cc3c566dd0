// The output of a container as text chunks: the last lines, then what is still to come.
import { StringDecoder } from 'node:string_decoder'
import type { Engine } from './connection.ts'
import { demultiplex } from './log-frames.ts'

export interface LogOptions {
  /** Absent: all lines. */
  tailLines?: number
  /** Only what was written at this time or later: a date as the engine writes them. Podman rounds it to seconds. */
  since?: string
  follow: boolean
  /** A container with a terminal writes plain bytes, any other multiplexed frames. */
  isTty: boolean
  signal?: AbortSignal | undefined
}

/** Yields text until the container ends (follow) or the tail is out. Reads no faster than it is consumed. */
export async function* readLogs(engine: Engine, containerId: string, options: LogOptions): AsyncGenerator<string> {
  const query = {
    stdout: true,
    stderr: true,
    follow: options.follow,
    tail: options.tailLines,
    since: options.since === undefined ? undefined : unixTime(options.since),
  }
  const body = await engine.stream({ path: `/containers/${containerId}/logs`, query, signal: options.signal })
  const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') }
  let pending = ''
  const split = demultiplex((stream, payload) => {
    pending += decoders[stream].write(payload)
  })
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      if (options.isTty) pending += decoders.stdout.write(chunk)
      else split(chunk)
      if (pending === '') continue
      const text = pending
      pending = ''
      yield text
    }
  } catch (error) {
    if (!options.signal?.aborted) throw error
  } finally {
    body.destroy()
  }
}

/** `2026-11-22T06:40:23.123456789Z` → seconds with nine decimals, which Date cannot hold. */
function unixTime(date: string): string {
  const decimals = /\.(\d{1,9})/.exec(date)?.[1] ?? '0'
  return `${Math.floor(Date.parse(date) / 1000)}.${decimals.padEnd(9, '0')}`
}
