// A log path with the characters that official clients encode for the signature and send bare (contract: esa-edge-container
// §1.9, §13.2): the signature passes and the value comes back unchanged, under both signature schemes.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createApp } from '../../tools/journey/app.ts'
import { popCall, sdkCall } from '../../tools/official-clients.ts'
import { openTestServer, type TestServer } from '../test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await openTestServer()
})
afterAll(() => server.close())

it('keeps a path with stars, brackets, quotes and blanks', async () => {
  const esa = sdkCall('@alicloud/esa20240910', server.url, server.key)
  const clients = {
    v3: esa,
    v1: sdkCall('@alicloud/esa20240910', server.url, server.key, 'v1'),
    form: popCall(server.url, server.key, '2024-09-10'),
    query: popCall(server.url, server.key, '2024-09-10', 'GET'),
  }
  const AppId = await createApp(esa, { name: 'log-river-app', servicePort: 20_081, targetPort: 8080 })
  for (const [name, call] of Object.entries(clients)) {
    const wanted = { Path: `/app/${name} logs/(new)'!~+%/*-?.log`, Stdout: true }
    expect(await call('UpdateEdgeContainerAppLogRiver', { AppId, ...wanted })).toMatchObject(wanted)
    expect(await call('GetEdgeContainerAppLogRiver', { AppId })).toMatchObject(wanted)
  }
})
