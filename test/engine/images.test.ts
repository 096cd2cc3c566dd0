// Where images come from: the node first, then a registry, with or without credentials; and what is said when neither helps.
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findImage, pushImage, removeImage, tagImage } from '../../packages/agent/src/runtime/engine/client/images.ts'
import { container, forever, group, imageOne, openBench, type Bench } from './harness.ts'
import { account, startRegistry, type Registry } from './registry.ts'

let bench: Bench
let open: Registry
let guarded: Registry

beforeAll(async () => {
  bench = await openBench()
  open = await startRegistry(false)
  guarded = await startRegistry(true)
})
afterAll(async () => {
  open.stop()
  guarded.stop()
  await bench.dispose()
})

/** Pushes an image under a new name and forgets it locally. */
async function published(registry: Registry): Promise<string> {
  const name = `${registry.host}/shop/web:${randomBytes(4).toString('hex')}`
  await tagImage(bench.engine, `docker.io/${imageOne}`, name)
  await pushImage(bench.engine, name, account)
  await removeImage(bench.engine, name)
  expect(await findImage(bench.engine, name)).toBeUndefined()
  return name
}

/** Files below a folder that hold the text. */
function filesWith(text: string, folder: string): string[] {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return paths.map((entry) => join(entry.parentPath, entry.name)).filter((path) => readFileSync(path).includes(text))
}

const withImage = (image: string) => group({ containers: [container({ image })] })

test('an absent image is pulled, a present one is used without asking its registry', async () => {
  const name = await published(open)
  const runtime = bench.open()
  const progress: string[] = []
  await runtime.prepare(withImage(name), forever(), (message) => progress.push(message))
  expect(progress).toEqual([`pulling ${name}`])
  expect(await findImage(bench.engine, name)).toBeDefined()
  const nowhere = '127.0.0.1:1/shop/web:1'
  await tagImage(bench.engine, name, nowhere)
  await runtime.prepare(withImage(nowhere), forever(), (message) => progress.push(message))
  expect(progress).toHaveLength(1)
  await removeImage(bench.engine, nowhere)
  await removeImage(bench.engine, name)
})

test('a registry that asks for credentials gets the ones kept for it', async () => {
  const name = await published(guarded)
  const runtime = bench.open({ credentialFor: (image) => (image.startsWith(guarded.host) ? account : undefined) })
  await runtime.prepare(withImage(name), forever(), () => {})
  expect(await findImage(bench.engine, name)).toBeDefined()
  await removeImage(bench.engine, name)
})

test('an image secret of the server comes before the logins of this machine, and nothing of it is written down', async () => {
  const name = await published(guarded)
  const asked: string[][] = []
  const runtime = bench.open({
    credentialFor: () => ({ username: 'agent', password: 'wrong' }),
    secretFor: async (key, registry) => {
      asked.push([key, registry])
      return account
    },
  })
  const workload = withImage(name)
  await runtime.prepare(workload, forever(), () => {})
  expect(asked).toEqual([[workload.key, guarded.host]])
  expect(await findImage(bench.engine, name)).toBeDefined()
  expect(filesWith(account.password, bench.folder)).toEqual([])
  await removeImage(bench.engine, name)
})

test('a server that cannot be asked for secrets does not stop a pull, and is named when the registry refuses', async () => {
  const [name, free] = [await published(guarded), await published(open)]
  const secretFor = () => Promise.reject(new Error('the server is away'))
  const lost = bench.open({ credentialFor: () => undefined, secretFor })
  await lost.prepare(withImage(free), forever(), () => {})
  const refused = lost.prepare(withImage(name), forever(), () => {})
  await expect(refused).rejects.toMatchObject({ code: 'ImageUnauthorized', isStalled: false, message: /the server is away/ })
  const loggedIn = bench.open({ credentialFor: () => account, secretFor })
  await loggedIn.prepare(withImage(name), forever(), () => {})
  for (const image of [name, free]) await removeImage(bench.engine, image)
})

test('refused, missing and unreachable are told apart', async () => {
  const name = await published(guarded)
  const without = bench.open({ credentialFor: () => undefined })
  const wrong = bench.open({ credentialFor: () => ({ username: 'agent', password: 'wrong' }) })
  for (const runtime of [without, wrong]) {
    await expect(runtime.prepare(withImage(name), forever(), () => {})).rejects.toMatchObject({
      code: 'ImageUnauthorized',
      isStalled: true,
    })
  }
  await expect(without.prepare(withImage(`${open.host}/shop/none:1`), forever(), () => {})).rejects.toMatchObject({ code: 'ImageNotFound' })
  await expect(without.prepare(withImage('127.0.0.1:1/shop/web:1'), forever(), () => {})).rejects.toMatchObject({
    code: 'RegistryUnreachable',
  })
})

test('tidying removes images that were pulled and are wanted no more, and only those', async () => {
  const [kept, dropped] = [await published(open), await published(open)]
  const runtime = bench.open()
  for (const name of [kept, dropped]) await runtime.prepare(withImage(name), forever(), () => {})
  await runtime.tidy([withImage(kept)], forever())
  expect(await findImage(bench.engine, dropped)).toBeUndefined()
  expect(await findImage(bench.engine, kept)).toBeDefined()
  expect(await findImage(bench.engine, `docker.io/${imageOne}`)).toBeDefined()
  await runtime.tidy([], forever())
})
