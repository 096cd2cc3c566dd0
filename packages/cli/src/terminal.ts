// `littoral terminal`: a shell in an instance of an app, by default in staging, on the terminal this runs in.
import { operations as edgeContainer } from '@littoral/contract/edge-container/index'
import { operations as littoral } from '@littoral/contract/littoral/index'
import { WebSocket } from 'ws'
import { CallError } from './client.ts'
import { type Command, toEnvironment } from './command.ts'

interface Said {
  readonly exit?: { readonly code: number }
  readonly error?: { readonly code: string; readonly message: string }
}

export const terminal: Command = {
  usage: '<AppId> [--env staging|prod] [--node <NodeId>] [--container <name>]',
  summary: 'a shell in an instance of an app, by default in staging',
  words: [1, 1],
  options: { env: { type: 'string', default: 'staging' }, node: { type: 'string' }, container: { type: 'string' } },
  async run({ client, endpoint }, [AppId = ''], flags) {
    const where = {
      ...(flags['node'] === undefined ? {} : { NodeId: flags['node'] }),
      ...(flags['container'] === undefined ? {} : { Container: flags['container'] }),
    }
    const Environment = toEnvironment(flags['env'])
    // Of staging the vendor's own call tells, and knows that without an instance there is none to open.
    const isPlain = Environment === 'staging' && Object.keys(where).length === 0
    const { SessionId, Token } = isPlain
      ? await client.call(edgeContainer.GetEdgeContainerTerminal, { AppId })
      : await client.call(littoral.OpenTerminal, { AppId, Environment, ...where })
    const url = new URL('/terminal', endpoint.replace(/^http/, 'ws'))
    url.searchParams.set('SessionId', SessionId)
    url.searchParams.set('Token', Token)
    const { exit, error } = await talk(new WebSocket(url))
    if (error !== undefined) throw new CallError(error.code, error.message, '')
    if (exit !== undefined && exit.code !== 0) throw new CallError('ShellEnded', `the shell ended with code ${exit.code}.`, '')
  },
}

function talk(socket: WebSocket): Promise<Said> {
  const { stdin, stdout } = process
  const type = (typed: Buffer) => socket.send(typed)
  const resize = () => {
    if (stdout.isTTY) socket.send(JSON.stringify({ resize: { columns: stdout.columns, rows: stdout.rows } }))
  }
  let said: Said = {}
  socket.on('open', () => {
    if (stdin.isTTY) stdin.setRawMode(true)
    stdin.on('data', type)
    stdout.on('resize', resize)
    resize()
  })
  socket.on('message', (frame, isBinary) => {
    if (isBinary) stdout.write(frame as Buffer)
    else said = JSON.parse((frame as Buffer).toString('utf8')) as Said
  })
  return new Promise((resolve, reject) => {
    socket.on('error', (error) => reject(new CallError('TerminalRefused', error.message, '')))
    socket.on('close', (code, reason) => {
      if (stdin.isTTY) stdin.setRawMode(false)
      stdin.off('data', type).pause()
      stdout.off('resize', resize)
      const isClean = said.exit !== undefined || said.error !== undefined
      resolve(isClean ? said : { error: { code: `Closed${code}`, message: reason.toString() || 'the connection was lost' } })
    })
  })
}
