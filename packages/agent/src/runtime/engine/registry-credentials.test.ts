import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { credentialFor } from './registry-credentials.ts'

const before = process.env.DOCKER_CONFIG
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'littoral-login-'))
  process.env.DOCKER_CONFIG = folder
})
afterEach(() => {
  if (before === undefined) delete process.env.DOCKER_CONFIG
  else process.env.DOCKER_CONFIG = before
  rmSync(folder, { recursive: true, force: true })
})

const login = (registry: string, text: string) => ({ [registry]: { auth: Buffer.from(text).toString('base64') } })

test('a login on the node is used for images of its registry only', () => {
  const auths = { ...login('registry.example:5000', 'agent:a:b'), ...login('https://index.docker.io/v1/', 'hub:secret') }
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths }))
  expect(credentialFor('registry.example:5000/shop/web:1')).toEqual({ username: 'agent', password: 'a:b' })
  expect(credentialFor('nginx')).toEqual({ username: 'hub', password: 'secret' })
  expect(credentialFor('other.example/shop/web:1')).toBeUndefined()
})

test('without a login, or with a broken file, an image is pulled without credentials', () => {
  expect(credentialFor('registry.example/web')).toBeUndefined()
  writeFileSync(join(folder, 'config.json'), '{"auths":')
  expect(credentialFor('registry.example/web')).toBeUndefined()
})
