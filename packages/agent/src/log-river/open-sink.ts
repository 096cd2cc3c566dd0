// Opens a sink by its address. Each kind is loaded when it is used.
import type { LogSink } from '@littoral/contract/node/log-sink'
import type { Sink, SinkOptions } from './sink.ts'

export async function openSink(sink: LogSink, options: SinkOptions): Promise<Sink> {
  if (sink.kind === 'file') return (await import('./file-sink.ts')).openFileSink(sink.path, options)
  return (await import('./http-sink.ts')).openHttpSink(sink, options)
}
