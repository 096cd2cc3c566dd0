// A call of a device behind a node, whose answer is one text.
import type { CallRequest } from '@littoral/contract/node/stream'
import { type NodeStream, streamError, type Streams } from './streams.ts'

const longestAnswer = 512 * 1024
/** What the way to the node and back may take beyond the time the device has. */
const wayMs = 2000

/** The answer's text; throws an Error whose `code` is NodeUnreachable, CallTimeout or the node's own word. */
export async function callDevice(streams: Streams, request: CallRequest): Promise<string> {
  let stream: NodeStream | undefined
  let timer: NodeJS.Timeout | undefined
  try {
    return await new Promise<string>((resolve, reject) => {
      let text = ''
      stream = streams.open(request, {
        data(chunk) {
          text += String(chunk)
          if (text.length > longestAnswer) reject(streamError('CallFailed', 'the answer is too long'))
        },
        end: ({ error }) => (error ? reject(streamError(error.code, error.message)) : resolve(text)),
      })
      const limitMs = request.timeoutMs + wayMs
      timer = setTimeout(() => reject(streamError('CallTimeout', `the node did not answer within ${limitMs} ms`)), limitMs)
    })
  } finally {
    clearTimeout(timer)
    stream?.cancel()
  }
}
