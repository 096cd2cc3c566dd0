// Image secrets as the agent asks for them, against a real HTTP server.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newSealKey, registryCredentialPurpose, sealTo } from '@littoral/contract/wire/sealed'
import { openObjects } from './objects.ts'
import { openPullSecrets } from './pull-secrets.ts'

let answer: (request: IncomingMessage, response: ServerResponse) => void
let asked: { url: string; authorization: string | undefined }[]
let server: ReturnType<typeof createServer>
let source: ReturnType<typeof openPullSecrets>
const sealKey = newSealKey()
const purpose = registryCredentialPurpose('app/app-1/prod', 'images.example.com:5000')

beforeEach(async () => {
  asked = []
  server = createServer((request, response) => {
    asked.push({ url: request.url ?? '', authorization: request.headers.authorization })
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const objects = openObjects({ server: new URL(`ws://127.0.0.1:${port}`), authorization: () => 'LittoralNode node-a:lns_x' })
  source = openPullSecrets(objects, sealKey)
})
afterEach(() => new Promise<void>((resolve) => server.close(() => resolve())))

const ask = () => source('app/app-1/prod', 'images.example.com:5000', AbortSignal.timeout(5000))
const sealed = (text: string, to = sealKey.publicKey, what = purpose) => JSON.stringify({ sealed: sealTo(to, text, what) })
const says = (text: string, status = 200) => {
  answer = (_, response) => response.writeHead(status).end(text)
}

describe('asking for an image secret', () => {
  it('shows the node’s own identity and names workload and registry', async () => {
    says(sealed('{"username":"puller","password":"s3cret"}'))
    expect(await ask()).toEqual({ username: 'puller', password: 's3cret' })
    const url = '/node/v1/registry-credentials?key=app%2Fapp-1%2Fprod&registry=images.example.com%3A5000'
    expect(asked).toEqual([{ url, authorization: 'LittoralNode node-a:lns_x' }])
  })

  it('finds none in an empty answer', async () => {
    says(sealed('{}'))
    expect(await ask()).toBeUndefined()
  })

  it.each([
    ['{"username":"puller","passw', 200],
    ['{"username":"puller","password":"s3cret"}', 200],
    [sealed('{"username":"puller","passw'), 200],
    [sealed('{"username":"puller","password":"s3cret"}', newSealKey().publicKey), 200],
    [
      sealed(
        '{"username":"puller","password":"s3cret"}',
        undefined,
        registryCredentialPurpose('app/app-2/prod', 'images.example.com:5000'),
      ),
      200,
    ],
    [`{"username":"${'u'.repeat(70_000)}","password":"p"}`, 200],
    ['{"code":"Node.CredentialForbidden"}', 403],
  ])('fails on %#, quoting nothing of the answer', async (text, status) => {
    says(text, status)
    const failure: unknown = await ask().catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(Error)
    expect(String(failure)).not.toMatch(/puller|uuu|passw/)
  })
})
