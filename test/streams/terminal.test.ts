// Terminals from outside: the call, the ticket, the WebSocket, the audit trail; with the memory runtime's shell behind them.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApp, createVersion, publish, waitPublished, waitStaging } from '../../tools/journey/app.ts'
import { until } from '../../tools/journey/wait.ts'
import { sdkCall, type Call } from '../../tools/official-clients.ts'
import { codeOf, openTestServer, type TestServer } from '../test-server.ts'
import { askTerminal, openTerminal, type Ticket } from './terminal-client.ts'

let server: TestServer
let esa: Call
let appId: string

async function openWith(env: Record<string, string>): Promise<[TestServer, Call, string]> {
  const opened = await openTestServer({ withNode: true, env })
  const call = sdkCall('@alicloud/esa20240910', opened.url, opened.key)
  const app = await createApp(call, { name: 'shell-app', servicePort: 21_500, targetPort: 8080 })
  const versionId = await createVersion(call, { appId: app, name: 'version-1', image: 'registry.example/shell:1', port: 8080 })
  await publish(call, { appId: app, versionId, environment: 'staging' })
  await waitStaging(call, app)
  return [opened, call, app]
}

beforeAll(async () => {
  ;[server, esa, appId] = await openWith({ LITTORAL_TERMINAL_IDLE_SECONDS: '1' })
})
afterAll(() => server.close())

test('a call hands out a ticket that opens a shell once', async () => {
  const ticket = await askTerminal(esa, appId)
  expect(ticket).toMatchObject({ Cluster: 'littoral', Container: 'web', Pod: expect.stringMatching(/^mem-/) as string })
  const terminal = await openTerminal(server.url, ticket)
  terminal.type('hello\n')
  await terminal.see('hello')
  terminal.resize(132, 43)
  terminal.type('size\n')
  await terminal.see('43 132')
  await expect(openTerminal(server.url, ticket)).rejects.toMatchObject({ status: 403 })
  terminal.type('exit 7\n')
  expect(await terminal.ended).toEqual({ exit: { code: 7 }, closeCode: 1000 })
})

test('a wrong token opens nothing and leaves the ticket good', async () => {
  const ticket = await askTerminal(esa, appId)
  await expect(openTerminal(server.url, { ...ticket, Token: `${ticket.Token}x` })).rejects.toMatchObject({ status: 403 })
  await expect(openTerminal(server.url, { ...ticket, SessionId: 'none' })).rejects.toMatchObject({ status: 403 })
  const terminal = await openTerminal(server.url, ticket)
  terminal.socket.close()
  await terminal.ended
})

test('a terminal in which nothing is typed is closed', async () => {
  const terminal = await openTerminal(server.url, await askTerminal(esa, appId))
  expect(await terminal.ended).toMatchObject({ closeCode: 4008 })
})

test('a frame that is none of ours ends it', async () => {
  const terminal = await openTerminal(server.url, await askTerminal(esa, appId))
  terminal.socket.send('{"resize":{"columns":0}}')
  expect(await terminal.ended).toMatchObject({ closeCode: 1008 })
})

test('what is typed faster than the shell takes it arrives whole', async () => {
  const terminal = await openTerminal(server.url, await askTerminal(esa, appId))
  const line = `${'x'.repeat(999)}\n`
  for (let i = 0; i < 1000; i++) terminal.type(line)
  terminal.type('done\n')
  await terminal.see('done')
  expect(terminal.output().split(line).length).toBe(1001)
  terminal.type('exit\n')
  expect(await terminal.ended).toMatchObject({ exit: { code: 0 } })
})

test('opening and closing are in the audit trail, with who it was, and the token is nowhere', async () => {
  const ticket = await askTerminal(esa, appId)
  const terminal = await openTerminal(server.url, ticket)
  terminal.type('exit 3\n')
  await terminal.ended
  const database = async () => {
    const parts = await Promise.all(
      ['littoral.db', 'littoral.db-wal'].map((name) => readFile(join(server.dataFolder, name), 'latin1').catch(() => '')),
    )
    return parts.join('')
  }
  await until('the audit row', 5000, async () => ((await database()).includes(`${ticket.SessionId}/CloseTerminal`) ? true : undefined))
  const text = await database()
  expect(text).toContain(`${ticket.SessionId}/OpenTerminal`)
  expect(text).toContain('"exitCode":3')
  expect(text).not.toContain(ticket.Token)
  expect(JSON.stringify(server.log)).not.toContain(ticket.Token)
})

test('without a running instance there is no ticket, and switched off there is none either', async () => {
  const empty = await createApp(esa, { name: 'empty-app', servicePort: 21_501, targetPort: 8080 })
  expect(codeOf(await askTerminal(esa, empty).catch((error: unknown) => error))).toBe('InvalidParameter')
  const [off, call, app] = await openWith({ LITTORAL_TERMINAL: 'off' })
  expect(codeOf(await askTerminal(call, app).catch((error: unknown) => error))).toBe('InvalidParameter')
  expect(await off.littoral('OpenTerminal', { AppId: app, Environment: 'staging' }).catch(codeOf)).toBe('Stream.TerminalsOff')
  await off.close()
})

test('a shell opens in production too, and only in a container that runs', async () => {
  const versionId = await createVersion(esa, { appId, name: 'version-prod', image: 'registry.example/shell:2', port: 8080 })
  await publish(esa, { appId, versionId, environment: 'prod' })
  await waitPublished(esa, { appId, versionId, environment: 'prod' })
  const where = { AppId: appId, Environment: 'prod', NodeId: server.nodeId }
  const ticket = (await server.littoral('OpenTerminal', where)) as unknown as Ticket & { Path: string }
  expect(ticket).toMatchObject({ NodeId: server.nodeId, Key: `app/${appId}/prod`, Container: 'web' })
  expect(ticket.Path).toBe(`/terminal?SessionId=${ticket.SessionId}&Token=${ticket.Token}`)
  const terminal = await openTerminal(server.url, ticket)
  terminal.type('hello prod\n')
  await terminal.see('hello prod')
  await expect(openTerminal(server.url, ticket)).rejects.toMatchObject({ status: 403 })
  terminal.type('exit 4\n')
  expect(await terminal.ended).toMatchObject({ exit: { code: 4 } })

  const refusal = (input: object) => server.littoral('OpenTerminal', { ...where, ...input }).catch(codeOf)
  expect(await refusal({ Container: 'nobody' })).toBe('Stream.WorkloadNotFound')
  expect(await refusal({ NodeId: 'node-nowhere' })).toBe('Node.NotFound')
  expect(await refusal({ AppId: 'app-nowhere' })).toBe('Stream.WorkloadNotFound')
})

test('a node that leaves ends its terminals', async () => {
  const [other, call, app] = await openWith({})
  const terminal = await openTerminal(other.url, await askTerminal(call, app))
  await terminal.see('/bin/sh')
  await other.close()
  expect(['NodeUnreachable', undefined]).toContain((await terminal.ended).error?.code)
  expect([1001, 1011]).toContain((await terminal.ended).closeCode)
})
