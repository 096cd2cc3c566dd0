// Where images come from: the node first, then a registry, with or without credentials; and what is said when neither helps.
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Progress } from '@littoral/contract/node/report'
import { findImage, pushImage, removeImage, tagImage } from '../../packages/agent/src/runtime/engine/client/images.ts'
import { makeImage, makeSampleImage } from '../../tools/sample-image.ts'
import { container, forever, group, imageOne, imageTwo, openBench, type Bench } from './harness.ts'
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

/** Pushes an image under a new name and forgets it locally; with content of its own it is pulled again byte by byte. */
async function published(registry: Registry, sizes: readonly number[] = []): Promise<string> {
  const name = `${registry.host}/shop/web:${randomBytes(4).toString('hex')}`
  if (sizes.length === 0) await tagImage(bench.engine, `docker.io/${imageOne}`, name)
  else
    await makeImage(bench.socketPath, { tags: [name], files: sizes.map((size, at) => ({ path: `big-${at}`, content: randomBytes(size) })) })
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
  expect(progress[0]).toBe(`pulling ${name}`)
  const told = progress.length
  expect(await findImage(bench.engine, name)).toBeDefined()
  const nowhere = '127.0.0.1:1/shop/web:1'
  await tagImage(bench.engine, name, nowhere)
  await runtime.prepare(withImage(nowhere), forever(), (message) => progress.push(message))
  expect(progress).toHaveLength(told)
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

test('a pull tells how many of its layers and bytes are here, until all of them are', async () => {
  const name = await published(open, [3_000_000, 2_000_000])
  const news: { message: string; progress: Progress | undefined }[] = []
  await bench.open().prepare(withImage(name), forever(), (message, progress) => news.push({ message, progress }))
  expect(news[0]?.progress).toEqual({ subject: 'web', image: name, doneBytes: 0 })
  const last = news.at(-1)
  expect(last?.progress).toMatchObject({ subject: 'web', image: name, layersTotal: expect.any(Number) as number })
  expect(last?.progress?.layersDone).toBe(last?.progress?.layersTotal)
  expect(last?.message).toMatch(/^pulling web: (\d+) of \1 layers, [\d.]+ of [\d.]+ MB$/)
  await removeImage(bench.engine, name)
})

test('the stock names images that were pulled, and gives up neither others nor what a container was made from', async () => {
  const used = `${open.host}/shop/used:${randomBytes(4).toString('hex')}`
  const local = `littoral-test/used-${randomBytes(4).toString('hex')}:1`
  await makeSampleImage(bench.socketPath, { tag: local, body: local })
  await tagImage(bench.engine, `docker.io/${local}`, used)
  await pushImage(bench.engine, used, account)
  for (const name of [used, `docker.io/${local}`]) await removeImage(bench.engine, name)
  const free = await published(open)
  const runtime = bench.open()
  const stock = runtime.stock!
  for (const name of [used, free]) await runtime.prepare(withImage(name), forever(), () => {})
  const instanceId = await runtime.start(withImage(used), forever())
  const items = await stock.list(forever())
  expect(items.map(({ name, isInUse }) => [name, isInUse]).filter(([name]) => [used, free].includes(String(name)))).toEqual([
    [used, true],
    [free, false],
  ])
  expect(items.every(({ sizeBytes }) => sizeBytes > 0)).toBe(true)
  expect(stock.needs(withImage(free))).toEqual([`image ${free}`])
  await expect(stock.discard(`image ${used}`, forever())).rejects.toThrow(/container/)
  await expect(stock.discard(`image docker.io/${imageOne}`, forever())).rejects.toThrow(/not pulled/)
  await stock.discard(`image ${free}`, forever())
  expect(await findImage(bench.engine, free)).toBeUndefined()
  expect((await bench.open().stock!.list(forever())).map(({ name }) => name)).not.toContain(free)
  await runtime.remove(instanceId, forever())
  await stock.discard(`image ${used}`, forever())
})

test('an image that somebody else put under the same name is not ours any more', async () => {
  const name = await published(open)
  const runtime = bench.open()
  await runtime.prepare(withImage(name), forever(), () => {})
  await removeImage(bench.engine, name)
  await tagImage(bench.engine, `docker.io/${imageTwo}`, name)
  expect((await runtime.stock!.list(forever())).map((item) => item.name)).not.toContain(name)
  await removeImage(bench.engine, name)
})
