// Reading the last lines of a log whole, within a time and a size.
import type { LogsRequest } from '@littoral/contract/node/stream'
import { type NodeStream, streamError, type Streams } from './streams.ts'

/** Lines asked for may be long; beyond this only the last part is kept. */
const mostBytes = 4 * 1024 * 1024

/** The lines, oldest first; throws an Error whose `code` is NodeUnreachable or the node's own word. */
export async function readLogLines(streams: Streams, request: LogsRequest, timeoutMs: number): Promise<string[]> {
  let stream: NodeStream | undefined
  let timer: NodeJS.Timeout | undefined
  try {
    const text = await new Promise<string>((resolve, reject) => {
      let soFar = ''
      stream = streams.open(
        { ...request, follow: false },
        {
          data(chunk) {
            soFar += String(chunk)
            if (soFar.length > mostBytes) soFar = soFar.slice(-mostBytes)
          },
          end: ({ error }) => (error ? reject(streamError(error.code, error.message)) : resolve(soFar)),
        },
      )
      timer = setTimeout(() => reject(streamError('NodeUnreachable', `the node did not answer within ${timeoutMs} ms`)), timeoutMs)
    })
    const lines = toLines(text)
    return lines.slice(Math.max(0, lines.length - request.tailLines))
  } finally {
    clearTimeout(timer)
    stream?.cancel()
  }
}

function toLines(text: string): string[] {
  const lines = text.split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  return lines
}
