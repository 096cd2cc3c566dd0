// What flows in a log river: one record per line that a container wrote, with where it came from. The spool keeps records of
// one source together; sinks get them one by one.

/** Where records come from: one output of one container, or one file in it. */
export interface RecordOrigin {
  readonly app: string
  readonly environment: string
  readonly version: string
  readonly instance: string
  readonly container: string
  /** Of a file: its path in the container. */
  readonly path?: string
}

/** `file`: read from a file in the container · `littoral`: said by this node about the river itself. */
export type RecordStream = 'stdout' | 'stderr' | 'file' | 'littoral'

export interface LogLine {
  /** RFC 3339, as exact as the source knows it. For a file it is when the line was read. */
  readonly time: string
  readonly stream: RecordStream
  readonly text: string
}

export interface LogRecord extends LogLine {
  /** Absent for what the node says of the river itself. */
  readonly origin?: RecordOrigin
  /** Of a notice: how many records never got here. */
  readonly dropped?: number
}

/** Who collects; told to the sink with every batch. */
export interface RiverNode {
  readonly name: string
  readonly region: string
}

/** A batch on its way to a sink. */
export interface Batch {
  /** The same for the same records, however often they are sent. */
  readonly id: string
  readonly records: readonly LogRecord[]
}

/** A longer line is cut in pieces of this many bytes. */
export const longestLineBytes = 64 * 1024

export function noticeOf(dropped: number, nowMs: number): LogRecord {
  const text = `${dropped} records were dropped on this node, because the sink did not take them in time or refused them`
  return { time: new Date(nowMs).toISOString(), stream: 'littoral', text, dropped }
}
