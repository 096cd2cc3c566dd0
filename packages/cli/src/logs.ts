// `littoral logs`: the last lines of an app, and with --follow what comes after them.
import { operations as edgeContainer } from '@littoral/contract/edge-container/index'
import { operations as littoral } from '@littoral/contract/littoral/index'
import { CallError } from './client.ts'
import { type Command, toCount, toEnvironment } from './command.ts'

export const logs: Command = {
  usage: '<AppId> [--env staging|prod] [--node <NodeId>] [--container <name>] [--lines <count>] [--since <time>] [--follow]',
  summary: 'the last lines of an app, by default in staging, and what comes after them',
  words: [1, 1],
  options: {
    env: { type: 'string', default: 'staging' },
    node: { type: 'string' },
    container: { type: 'string' },
    lines: { type: 'string', default: '100' },
    since: { type: 'string' },
    follow: { type: 'boolean' },
  },
  async run({ client, endpoint, print }, [AppId = ''], flags) {
    const where = {
      ...{ AppId, Environment: toEnvironment(flags['env']), TailLines: toCount('--lines', flags['lines']) },
      ...(flags['node'] === undefined ? {} : { NodeId: flags['node'] }),
      ...(flags['container'] === undefined ? {} : { Container: flags['container'] }),
      ...(flags['since'] === undefined ? {} : { SinceTime: flags['since'] }),
    }
    if (flags['follow'] === undefined) {
      const isPlain = where.Environment === 'staging' && Object.keys(where).length === 3
      // Of staging the vendor's own call tells, and knows that without an instance there is nothing to read.
      if (isPlain)
        return (await client.call(edgeContainer.GetEdgeContainerLogs, { AppId, Lines: where.TailLines })).Items.forEach((line) =>
          print(line),
        )
      const { Lines } = await client.call(littoral.ReadLogs, where)
      for (const line of Lines) print(line)
      return
    }
    const { Path } = await client.call(littoral.OpenLogStream, where)
    await follow(new URL(Path, endpoint), print)
  },
}

async function follow(url: URL, print: (text: string) => void): Promise<void> {
  const answer = await fetch(url)
  if (!answer.ok || answer.body === null) {
    const { code = 'Refused', message = `HTTP ${answer.status}` } = (await answer.json().catch(() => ({}))) as {
      code?: string
      message?: string
    }
    throw new CallError(code, message, '')
  }
  let rest = ''
  try {
    for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) print(line)
    }
  } catch {
    throw new CallError('StreamLost', 'the node or the server went away', '')
  }
  if (rest !== '') print(rest)
}
