// The loop that resolves tags, with a registry that the test scripts.
import type { GroupWorkload } from '@littoral/contract/node/desired-state'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ImageQuestion, RegistryRefusal } from '../domain/image-pin.ts'
import { imageHoldMs } from '../domain/rollout.ts'
import { addNode, call, publish } from '../operations/edge-container/door.contract.ts'
import { handlers } from '../operations/edge-container/index.ts'
import { handlers as littoral } from '../operations/littoral/index.ts'
import { type TestContext, testContext } from '../operations/test-context.ts'
import * as assignments from '../store/assignments.ts'
import * as rollouts from '../store/edge-container/rollouts.ts'
import * as versions from '../store/edge-container/versions.ts'
import { images } from './images.ts'
import type { Loop } from './loop.ts'
import { rolloutsSince } from './rollouts.ts'

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

const container = (Image: string) => ({
  ...{ Name: 'web', Image, IsACRImage: false, Spec: '1C2G', Storage: '0.5G' },
  ...{ ProbeType: 'tcpSocket', ProbeContent: { Port: 80 } },
})

async function version(...names: string[]): Promise<string> {
  context.clock.advance(1000)
  const Containers = names.map((Image, index) => ({ ...container(Image), Name: `web-${index}` }))
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

it('asks docker.io about a name without a registry, and nobody about an image of the node', async () => {
  const id = await version('nginx:1', 'shop/web', 'localhost/mine:1')
  await pass()
  expect(asked).toMatchObject([
    { host: 'docker.io', repository: 'library/nginx', tag: '1' },
    { host: 'docker.io', repository: 'shop/web', tag: 'latest' },
  ])
  expect((await shown(id)).map(({ Image, State }) => `${Image} ${State}`).toSorted()).toEqual([
    'localhost/mine:1 unpinned',
    'nginx:1 pinned',
    'shop/web pinned',
  ])
  expect((await found(id))?.containers[0]).toMatchObject({ image: 'nginx:1', imageDigest: digest('a') })
})

it('asks nobody about a name without a registry where the operator set none: it may be an image of the node', async () => {
  const { defaultRegistry: _usual, ...settings } = context.settings
  const id = await version('nginx:1')
  await loop.pass({ ...context, settings }, new AbortController().signal)
  expect(asked).toEqual([])
  expect(await shown(id)).toMatchObject([{ State: 'unpinned' }])
  expect((await found(id))?.containers[0]).not.toHaveProperty('imageDigest')
})

it('a name without a registry means the registry of the installation, as it was when the version was made', async () => {
  const other = { ...context, settings: { ...context.settings, defaultRegistry: 'mirror.example:5000' } }
  const Containers = [{ ...container('nginx:1') }, { ...container('registry.example/web:1'), Name: 'other' }]
  const { VersionId } = await handlers.CreateEdgeContainerAppVersion({ AppId, Name: 'mirrored-1', Containers } as never, other)
  await pass()
  expect(asked.map(({ host, repository }) => `${host}/${repository}`)).toEqual(['mirror.example:5000/nginx', 'registry.example/web'])
  const release = { id: 'rel-1', accountId: context.principal.accountId, appId: AppId, versionId: VersionId, environment: 'prod' } as never
  const { workload } = (await context.store.read((tx) => rollouts.find(tx, release, [])))!
  expect(workload.containers.map(({ image }) => image)).toEqual(['mirror.example:5000/nginx:1', 'registry.example/web:1'])
  const { Version } = await handlers.GetEdgeContainerAppVersion({ AppId, VersionId } as never, context)
  expect(Version.Containers[0]).toMatchObject({ Image: 'nginx:1' })
  expect(JSON.stringify(Version)).not.toContain('mirror.example')
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
  expect(await shown(second)).toMatchObject([{ State: 'unreachable', Reason: 'the registry could not be reached a moment ago' }])
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

describe('a release of a new version', () => {
  const rollOut = async () => {
    const passed = await rolloutsSince(0, imageHoldMs).pass(context, new AbortController().signal)
    const [assignment] = await context.store.read((tx) => assignments.listByNode(tx, 'node-a'))
    return { nextAtMs: (passed as { nextAtMs?: number }).nextAtMs, workload: assignment?.workload as GroupWorkload | undefined }
  }
  const release = async (image: string) => {
    await addNode(context, 'node-a')
    await publish(context, AppId, await version(image))
  }

  it('waits for the digest, so that no node runs the tag before', async () => {
    let woken = 0
    context.store.changes('images', () => woken++)
    await release('registry.example/shop/web:1')
    expect(await rollOut()).toEqual({ nextAtMs: context.now() + imageHoldMs, workload: undefined })
    const { Causes } = await call(context, 'ExplainNode', { NodeId: 'node-a', AppId })
    expect(Causes.map(({ Code }: { Code: string }) => Code)).toEqual(['Released', 'WaitsForDigests'])
    await pass()
    expect(woken).toBeGreaterThan(0)
    expect((await rollOut()).workload?.containers[0]?.imageDigest).toBe(digest('a'))
  })

  it('does not wait for a registry that does not answer', async () => {
    answer = () => {
      throw new Error('connect ECONNREFUSED')
    }
    await release('registry.example/shop/web:1')
    await pass()
    expect((await rollOut()).workload?.containers[0]).not.toHaveProperty('imageDigest')
  })

  it('does not wait for ever when nobody asks', async () => {
    await release('registry.example/shop/web:1')
    await rollOut()
    context.clock.advance(imageHoldMs)
    expect((await rollOut()).workload?.version).toMatch(/^ver-/)
  })
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
