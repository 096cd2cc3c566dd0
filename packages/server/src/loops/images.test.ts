// The loop that resolves tags, with a registry that the test scripts.
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type ImageQuestion, RegistryRefusal } from '../domain/image-pin.ts'
import { handlers } from '../operations/edge-container/index.ts'
import { handlers as littoral } from '../operations/littoral/index.ts'
import { type TestContext, testContext } from '../operations/test-context.ts'
import * as rollouts from '../store/edge-container/rollouts.ts'
import * as versions from '../store/edge-container/versions.ts'
import { images } from './images.ts'
import type { Loop } from './loop.ts'

let context: TestContext
let AppId: string
let asked: ImageQuestion[]
let answer: (question: ImageQuestion) => string
let loop: Loop
const digest = (letter: string) => `sha256:${letter.repeat(64)}`

beforeEach(async () => {
  context = await testContext()
  asked = []
  answer = () => digest('a')
  loop = images({
    resolve: async (question) => {
      asked.push(question)
      return { digest: answer(question), platforms: { 'linux/arm64': digest('b') } }
    },
  })
  ;({ AppId } = await handlers.CreateEdgeContainerApp({ Name: 'pinned-app', ServicePort: 80, TargetPort: 8080 } as never, context))
})
afterEach(() => context.close())

const pass = () => loop.pass(context, new AbortController().signal)

async function version(...names: string[]): Promise<string> {
  context.clock.advance(1000)
  const Containers = names.map((Image, index) => ({
    ...{
      Name: `web-${index}`,
      Image,
      IsACRImage: false,
      Spec: '1C2G',
      Storage: '0.5G',
      ProbeType: 'tcpSocket',
      ProbeContent: { Port: 80 },
    },
  }))
  const made = await handlers.CreateEdgeContainerAppVersion({ AppId, Name: `version-${context.now()}`, Containers } as never, context)
  return made.VersionId
}
const shown = async (VersionId: string) => (await littoral.GetVersionImages({ AppId, VersionId }, context)).Images
const found = (versionId: string) =>
  context.store.read((tx) => versions.find(tx, { accountId: context.principal.accountId, appId: AppId, versionId }))

it('asks once for each image with a registry, and keeps the answer whatever the tag stands for later', async () => {
  const id = await version('registry.example/shop/web:1', 'registry.example:5000/job', 'registry.example/shop/web:1')
  await pass()
  expect(asked).toEqual([
    { host: 'registry.example', repository: 'shop/web', tag: '1', credential: undefined },
    { host: 'registry.example:5000', repository: 'job', tag: 'latest', credential: undefined },
  ])
  answer = () => digest('c')
  context.clock.advance(24 * 3600_000)
  await pass()
  expect(asked).toHaveLength(2)
  expect((await found(id))?.containers.map(({ imageDigest }) => imageDigest)).toEqual([digest('a'), digest('a'), digest('a')])
  expect((await shown(id))[0]).toEqual({
    Image: 'registry.example/shop/web:1',
    State: 'pinned',
    Digest: digest('a'),
    Platforms: [{ Platform: 'linux/arm64', Digest: digest('b') }],
    CheckedAt: '2026-01-05T08:00:01Z',
  })
})

it('asks nobody about a name without a registry, which may be an image of the node', async () => {
  const id = await version('nginx:1', 'shop/web')
  await pass()
  expect(asked).toEqual([])
  expect(await shown(id)).toMatchObject([{ State: 'unpinned' }, { State: 'unpinned' }])
  expect((await found(id))?.containers[0]).not.toHaveProperty('imageDigest')
})

it('leaves a registry that cannot be reached alone for a while, asks again, and says so meanwhile', async () => {
  answer = () => {
    throw new Error('fetch failed', { cause: new Error('connect ECONNREFUSED') })
  }
  const first = await version('down.example/shop:1')
  await pass()
  const second = await version('down.example/shop:2')
  await pass()
  expect(asked).toHaveLength(1)
  expect(await shown(first)).toMatchObject([{ State: 'unreachable', Reason: 'the registry cannot be reached: connect ECONNREFUSED' }])
  expect(await shown(second)).toMatchObject([{ State: 'pending' }])
  expect((await found(first))?.status).toBe('created')
  answer = () => digest('d')
  context.clock.advance(60_000)
  await pass()
  expect(await shown(first)).toMatchObject([{ State: 'pinned', Digest: digest('d') }])
  expect(await shown(second)).toMatchObject([{ State: 'pinned' }])
})

it('a refusal for one image does not keep others of the registry waiting', async () => {
  answer = ({ repository }) => {
    if (repository === 'missing') throw new RegistryRefusal('the registry has no such tag')
    return digest('e')
  }
  const id = await version('registry.example/missing:1')
  await pass()
  const other = await version('registry.example/there:1')
  await pass()
  expect(await shown(id)).toMatchObject([{ State: 'unreachable', Reason: 'the registry has no such tag' }])
  expect(await shown(other)).toMatchObject([{ State: 'pinned' }])
})

it('a digest that becomes known late starts nothing anew', async () => {
  const id = await version('registry.example/shop/web:1')
  const release = { id: 'rel-1', accountId: context.principal.accountId, appId: AppId, versionId: id, environment: 'staging' } as never
  const workload = async () => (await context.store.read((tx) => rollouts.find(tx, release, [])))!.workload
  const before = await workload()
  await pass()
  const after = await workload()
  expect(after.containers[0]?.imageDigest).toBe(digest('a'))
  expect(after.digest).toBe(before.digest)
})
