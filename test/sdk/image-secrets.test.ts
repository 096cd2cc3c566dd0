// The password of an image secret through the official client, which puts it into the query: it shows in no answer, no log
// line and no file of the server, whether the call succeeds or not (contract: esa-edge-container §13.8).
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createApp } from '../../tools/journey/app.ts'
import { codeOf, popCall, sdkCall, type Call } from '../../tools/official-clients.ts'
import { openTestServer, type TestServer } from '../test-server.ts'

const password = 'Tr0ub4dor-and-3'
let server: TestServer
let esa: Call
let AppId: string
beforeAll(async () => {
  server = await openTestServer()
  esa = sdkCall('@alicloud/esa20240910', server.url, server.key)
  AppId = await createApp(esa, { name: 'secret-app', servicePort: 20_080, targetPort: 8080 })
})
afterAll(() => server.close())

it('keeps the password to itself', async () => {
  const login = { AppId, Registry: 'images.example.com', Username: 'puller', Password: password }
  const old = popCall(server.url, server.key, '2024-09-10', 'GET')
  const answers = [
    await esa('CreateEdgeContainerAppImageSecret', login),
    await old('CreateEdgeContainerAppImageSecret', login),
    await esa('ListEdgeContainerAppImageSecrets', { AppId }),
    await esa('GetEdgeContainerApp', { AppId }),
  ]
  const refusals = [
    await esa('CreateEdgeContainerAppImageSecret', { ...login, Registry: `${password}/` }).catch((error: unknown) => error),
    await esa('CreateEdgeContainerAppImageSecret', { ...login, AppId: 'app-1' }).catch((error: unknown) => error),
    await sdkCall('@alicloud/esa20240910', server.url, { ...server.key, accessKeySecret: 'wrong' })(
      'CreateEdgeContainerAppImageSecret',
      login,
    ).catch((error: unknown) => error),
  ]
  expect(refusals.map(codeOf)).toEqual(['InvalidParameter', 'InvalidParameter.Appid', 'SignatureDoesNotMatch'])
  expect(answers[2]?.['ImageSecretList']).toHaveLength(2)
  expect(JSON.stringify(answers)).not.toContain(password)
  expect(server.log.filter(({ message }) => message === 'call').length).toBeGreaterThanOrEqual(7)
  expect(JSON.stringify(server.log)).not.toContain(password)
  const files = readdirSync(server.dataFolder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  expect(files.map(({ name }) => name)).toContain('littoral.db')
  for (const { parentPath, name } of files) expect([name, readFileSync(join(parentPath, name)).includes(password)]).toEqual([name, false])
})
