// Records as an OTLP ExportLogsServiceRequest in JSON: one resource per instance, one scope per container, one log record per line.
// https://opentelemetry.io/docs/specs/otlp/#otlphttp says how it travels; numbers of 64 bits are text there.
import type { Batch, LogRecord, RecordOrigin, RiverNode } from './records.ts'

interface Attribute {
  readonly key: string
  readonly value: { readonly stringValue: string } | { readonly intValue: string }
}

export function otlpLogs({ records }: Pick<Batch, 'records'>, node: RiverNode, nowMs: number): object {
  const groups = new Map<string, LogRecord[]>()
  for (const record of records) {
    const { app = '', environment = '', instance = '', container = '' } = record.origin ?? {}
    const name = JSON.stringify([app, environment, instance, container])
    const group = groups.get(name)
    if (group) group.push(record)
    else groups.set(name, [record])
  }
  const observedTimeUnixNano = nanoseconds(new Date(nowMs).toISOString())
  const resourceLogs = [...groups.values()].map((group) => ({
    resource: { attributes: resourceOf(group[0]?.origin, node) },
    scopeLogs: [{ scope: { name: 'littoral' }, logRecords: group.map((record) => toLogRecord(record, observedTimeUnixNano)) }],
  }))
  return { resourceLogs }
}

function resourceOf(origin: RecordOrigin | undefined, { name, region }: RiverNode): Attribute[] {
  const host = [text('host.name', name), text('littoral.region', region)]
  if (origin === undefined) return [text('service.name', 'littoral-agent'), ...host]
  return [
    text('service.name', origin.app),
    text('service.version', origin.version),
    text('service.instance.id', origin.instance),
    text('deployment.environment.name', origin.environment),
    text('container.name', origin.container),
    ...host,
  ]
}

function toLogRecord(record: LogRecord, observedTimeUnixNano: string): object {
  const { time, stream, origin, dropped } = record
  const attributes = [
    stream === 'stdout' || stream === 'stderr' ? text('log.iostream', stream) : undefined,
    origin?.path === undefined ? undefined : text('log.file.path', origin.path),
    dropped === undefined ? undefined : { key: 'littoral.dropped', value: { intValue: String(dropped) } },
  ].filter((attribute) => attribute !== undefined)
  return { timeUnixNano: nanoseconds(time), observedTimeUnixNano, body: { stringValue: record.text }, attributes }
}

const text = (key: string, stringValue: string): Attribute => ({ key, value: { stringValue } })

/** Date holds milliseconds only, so the rest of the decimals is taken from the text. */
export function nanoseconds(time: string): string {
  const seconds = Math.floor(Date.parse(time) / 1000)
  if (!Number.isFinite(seconds)) return '0'
  const decimals = /\.(\d{1,9})/.exec(time)?.[1] ?? ''
  return `${seconds}${decimals.padEnd(9, '0')}`
}
