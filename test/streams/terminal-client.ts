// A terminal as a browser would open it: a WebSocket, bytes in and out, sizes as text.
import { once } from 'node:events'
import { WebSocket } from 'ws'
import { until } from '../../tools/journey/wait.ts'
import type { Call } from '../../tools/official-clients.ts'

export interface TerminalClient {
  readonly socket: WebSocket
  /** Everything written so far. */
  output(): string
  type(text: string): void
  resize(columns: number, rows: number): void
  /** Waits for a part of the output. */
  see(part: string | RegExp): Promise<string>
  /** The exit code it was told, or the error, and how the socket was closed. */
  readonly ended: Promise<{ exit?: { code: number }; error?: { code: string; message: string }; closeCode: number }>
}

export interface Ticket {
  readonly SessionId: string
  readonly Token: string
  readonly Pod: string
  readonly Container: string
}

export async function askTerminal(call: Call, appId: string): Promise<Ticket> {
  return (await call('GetEdgeContainerTerminal', { AppId: appId })) as unknown as Ticket
}

/** Rejects with the status of the refusal. */
export async function openTerminal(url: string, { SessionId, Token }: Pick<Ticket, 'SessionId' | 'Token'>): Promise<TerminalClient> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/terminal?SessionId=${SessionId}&Token=${Token}`)
  let text = ''
  let last: { exit?: { code: number }; error?: { code: string; message: string } } = {}
  socket.on('message', (frame, isBinary) => {
    if (isBinary) text += (frame as Buffer).toString('utf8')
    else last = JSON.parse((frame as Buffer).toString('utf8')) as typeof last
  })
  const ended = new Promise<Awaited<TerminalClient['ended']>>((resolve) =>
    socket.on('close', (closeCode: number) => resolve({ ...last, closeCode })),
  )
  socket.on('unexpected-response', (_request, response) => {
    response.resume()
    socket.emit('error', Object.assign(new Error(`refused with ${response.statusCode}`), { status: response.statusCode }))
  })
  await once(socket, 'open')
  return {
    socket,
    ended,
    output: () => text,
    type: (typed) => socket.send(Buffer.from(typed)),
    resize: (columns, rows) => socket.send(JSON.stringify({ resize: { columns, rows } })),
    see: (part) =>
      until(`${String(part)} in ${JSON.stringify(text.slice(-500))}`, 15_000, async () =>
        (typeof part === 'string' ? text.includes(part) : part.test(text)) ? text : undefined,
      ),
  }
}
