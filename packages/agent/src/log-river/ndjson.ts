// Records as lines of JSON, for files and for plain HTTP sinks. docs/log-river.md describes the fields.
import type { Batch, LogRecord, RiverNode } from './records.ts'

export function ndjson({ records }: Pick<Batch, 'records'>, node: RiverNode): string {
  return records.map((record) => `${JSON.stringify(toLine(record, node))}\n`).join('')
}

function toLine({ time, origin, stream, text, dropped }: LogRecord, { name, region }: RiverNode): object {
  return { time, node: name, region, ...origin, stream, ...(dropped !== undefined && { dropped }), text }
}
