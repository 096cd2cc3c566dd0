// The journey of releases over three nodes of production, step by step, for any kind of machine: with the memory runtime
// (releases.test.ts) and with real containers (releases-engine.test.ts). Only the outside is looked at: what the server says,
// and what serves on each machine.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp, createVersion } from '../../tools/journey/app.ts'
import { until } from '../../tools/journey/wait.ts'
import { sdkCall, type Call } from '../../tools/official-clients.ts'
import { codeOf, openTestServer, type TestServer } from '../test-server.ts'

export interface Machine {
  readonly nodeId: string
  /** Tag of the image that answers for the app, seen on the machine itself. */
  serving(): Promise<string | undefined>
  /** Tags of everything that runs for the app, in no order. */
  running(): Promise<string[]>
  /** Cuts the machine's link to the server; what runs there goes on. */
  unplug(): Promise<void>
  replug(): Promise<void>
  close(): Promise<void>
}

export interface Kind {
  readonly servicePort: number
  readonly waitMs: number
  /** `never-ready` names one that does not become ready; any other tag is a version that runs. */
  image(tag: string): { readonly image: string; readonly more?: Readonly<Record<string, unknown>> }
  openMachine(server: TestServer, appId: string): Promise<Machine>
}

export interface AppStatus {
  readonly PublishStatus: string
  readonly PublishPercentage: number
  readonly [field: string]: unknown
}

/** One server, one app, three machines, and what its user asks of them. Made by openJourney. */
export interface Journey {
  readonly server: TestServer
  readonly appId: string
  readonly machines: readonly Machine[]
  readonly waitMs: number
  esa(): Call
  version(name: string, tag: string, more?: Record<string, unknown>): Promise<string>
  publish(versionId: string, more?: Record<string, unknown>): Promise<unknown>
  policy(changes: Record<string, string>): Promise<unknown>
  status(): Promise<AppStatus>
  waitStatus(wanted: string, percentage?: number): Promise<AppStatus>
  serving(): Promise<(string | undefined)[]>
  history(): Promise<Record<string, string>[]>
  /** Ends the server, waits for the condition, and starts it again on the same port and folder. */
  restartServer(when: () => Promise<void>): Promise<void>
  close(): Promise<void>
}

export async function openJourney(kind: Kind): Promise<Journey> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'littoral-releases-'))
  const { waitMs } = kind
  let server = await openTestServer({ dataFolder })
  const esa = () => sdkCall('@alicloud/esa20240910', server.url, server.key)
  const appId = await createApp(esa(), { name: 'three-nodes', servicePort: kind.servicePort, targetPort: 8080 })
  const machines: Machine[] = []
  for (const _ of [1, 2, 3]) machines.push(await kind.openMachine(server, appId))
  const status = async () => (await esa()('GetEdgeContainerAppStatus', { AppId: appId }))['AppStatus'] as AppStatus
  const history = async () => {
    const { Releases } = await server.littoral('ListReleases', { AppId: appId, PublishEnv: 'prod' })
    return Releases as Record<string, string>[]
  }
  return {
    get server() {
      return server
    },
    ...{ appId, machines, waitMs, esa, status, history },
    version(name, tag, more) {
      const { image, more: others } = kind.image(tag)
      return createVersion(esa(), { appId, name, port: 8080, image, more: { ...others, ...more } })
    },
    publish: (VersionId, more = {}) => esa()('PublishEdgeContainerAppVersion', { AppId: appId, VersionId, PublishEnv: 'prod', ...more }),
    policy: (changes) => server.littoral('SetReleasePolicy', { AppId: appId, ...changes }),
    waitStatus: (wanted, percentage = 100) =>
      until(`status ${wanted} ${percentage}`, waitMs, async () => {
        const now = await status()
        return now.PublishStatus === wanted && now.PublishPercentage === percentage ? now : undefined
      }),
    serving: () => Promise.all(machines.map((machine) => machine.serving())),
    async restartServer(when) {
      const port = Number(new URL(server.url).port)
      await server.stopServer()
      await when()
      server = await openTestServer({ dataFolder, port })
    },
    async close() {
      for (const machine of machines) await machine.close()
      await server.close()
      await rm(dataFolder, { recursive: true, force: true })
    },
  }
}

const [v1, v2, v3, v4] = ['version-1', 'version-2', 'version-3', 'version-4']

export function releaseJourney(kind: () => Promise<Kind>): () => Journey {
  let journey: Journey
  const ids: Record<string, string> = {}

  beforeAll(async () => {
    journey = await openJourney(await kind())
  }, 240_000)
  afterAll(() => journey?.close(), 120_000)

  const make = async (name: string, tag: string) => (ids[name] = await journey.version(name, tag))
  const serve = (...tags: string[]) =>
    until(`${tags.join(', ')} to serve`, journey.waitMs, async () => ((await journey.serving()).join() === tags.join() ? true : undefined))
  const newest = async () => (await journey.history())[0]

  describe('on three nodes', { timeout: 180_000 }, () => {
    it('the first version goes everywhere', async () => {
      await make(v1, '1')
      await journey.publish(ids[v1] ?? '')
      await journey.waitStatus('published')
      expect(await journey.serving()).toEqual(['1', '1', '1'])
    })

    it('a third of the nodes gets the next one, the others keep the baseline', async () => {
      const { appId, server } = journey
      await make(v2, '2')
      const planned = await server.littoral('PlanRelease', { AppId: appId, VersionId: ids[v2], Percentage: '34' })
      await journey.publish(ids[v2] ?? '', { Percentage: 34 })
      expect(await journey.waitStatus('published', 34)).toMatchObject({
        BaseLineVersion: ids[v1],
        DeployedVersion: ids[v2],
        PublishingVersion: ids[v2],
        ExpectPercentage: 34,
      })
      const serving = await journey.serving()
      expect(serving.filter((tag) => tag === '1')).toHaveLength(2)
      expect(serving.filter((tag) => tag === '2')).toHaveLength(1)
      const first = journey.machines[serving.indexOf('2')]
      const updates = (planned['Nodes'] as { NodeId: string; Change: string }[]).filter(({ Change }) => Change === 'update')
      expect(updates).toMatchObject([{ NodeId: first?.nodeId }])
      const outside = journey.machines[serving.indexOf('1')]
      expect(await server.littoral('ExplainNode', { NodeId: outside?.nodeId, AppId: appId, VersionId: ids[v2] })).toMatchObject({
        IsReady: false,
        AssignedVersionId: ids[v1],
        Causes: [{ Code: 'Released' }, { Code: 'OutsideShare' }],
      })
    })

    it('a bad version stops at one node, which returns to the last good one while nothing stops serving', async () => {
      const { appId, server } = journey
      await journey.policy({ DeadlineSeconds: '2' })
      await make(v3, 'never-ready')
      await journey.publish(ids[v3] ?? '')
      const stopped = await until('the stop', journey.waitMs, async () => {
        const release = await newest()
        return release?.['State'] === 'stopped' ? release : undefined
      })
      expect(stopped).toMatchObject({ VersionId: ids[v3], EndingCode: 'FailureBudgetUsedUp' })
      const { Failures } = (await server.littoral('GetRelease', { ReleaseId: stopped['ReleaseId'] })) as { Failures: { NodeId: string }[] }
      expect(Failures).toHaveLength(1)
      const failed = journey.machines.find(({ nodeId }) => nodeId === Failures[0]?.NodeId)
      await until('the return', journey.waitMs, async () => ((await failed?.running())?.length === 1 ? true : undefined))
      for (const machine of journey.machines) expect(['1', '2']).toContain(await machine.serving())
      for (const machine of journey.machines) expect(await machine.running()).not.toContain('never-ready')
      const { Causes } = await server.littoral('ExplainNode', { NodeId: failed?.nodeId, AppId: appId })
      expect((Causes as { Code: string }[]).map(({ Code }) => Code)).toEqual(['Released', 'Stopped', 'Failed'])
      expect(await journey.status()).toMatchObject({ PublishStatus: 'publishing', DeployedVersion: ids[v2], BaseLineVersion: ids[v1] })
    })

    it('a rollback ends on the version it names', async () => {
      await journey.esa()('RollbackEdgeContainerAppVersion', { AppId: journey.appId, VersionId: ids[v1] })
      const back = { BaseLineVersion: ids[v1], DeployedVersion: ids[v1], RollbackTime: expect.any(String) as string }
      expect(await journey.waitStatus('rollbacked')).toMatchObject(back)
      expect(await journey.serving()).toEqual(['1', '1', '1'])
      expect(await newest()).toMatchObject({ Kind: 'rollback', State: 'rolledBack', EndingCode: 'Completed' })
    })

    it('a bad version is rolled back by itself where the application asks for it, and that is no success', async () => {
      await journey.policy({ AutoRollback: 'true' })
      await journey.publish(ids[v3] ?? '')
      await journey.waitStatus('rollbacked')
      expect((await journey.history()).slice(0, 2)).toMatchObject([
        { Kind: 'revert', State: 'rolledBack', VersionId: ids[v1], CreatedBy: 'littoral' },
        { Kind: 'publish', State: 'stopped', VersionId: ids[v3] },
      ])
      expect(await journey.serving()).toEqual(['1', '1', '1'])
    })

    it('a node that is unplugged meanwhile is not waited for for ever, is not failed, and takes the right version when it returns', async () => {
      const { appId, server } = journey
      await journey.policy({ AutoRollback: 'false', DeadlineSeconds: '600' })
      const [unplugged] = journey.machines
      await unplugged?.unplug()
      await until('the loss', journey.waitMs, async () => {
        const { Nodes } = (await server.littoral('ListNodes', {})) as { Nodes: { NodeId: string; IsOnline: boolean }[] }
        return Nodes.some(({ NodeId, IsOnline }) => NodeId === unplugged?.nodeId && !IsOnline) ? true : undefined
      })
      await journey.publish(ids[v2] ?? '')
      await serve('1', '2', '2')
      const { Causes } = (await server.littoral('ExplainNode', { NodeId: unplugged?.nodeId, AppId: appId })) as {
        Causes: { Code: string }[]
      }
      expect(Causes.at(-1)).toMatchObject({ Code: 'Away' })
      await unplugged?.replug()
      await journey.waitStatus('published')
      expect(await journey.serving()).toEqual(['2', '2', '2'])
    })

    it('a release waits for its time, also when that passes while the server is down, and begins once', async () => {
      await make(v4, '4')
      const at = new Date(Math.ceil(Date.now() / 1000) * 1000 + 2000)
      await journey.publish(ids[v4] ?? '', { StartTime: at.toISOString().replace('.000', '') })
      const waiting = await journey.status()
      expect(waiting).toMatchObject({ PublishStatus: 'publishing', PublishingVersion: ids[v4], PublishPercentage: 0 })
      expect(waiting).toMatchObject({ DeployedVersion: ids[v2] })
      expect(waiting).not.toHaveProperty('PublishTime')
      expect(await journey.publish(ids[v1] ?? '').catch((error: unknown) => codeOf(error))).toBe('InternalException')
      expect(await newest()).toMatchObject({ State: 'scheduled' })
      await journey.restartServer(async () => {
        await until('the time', journey.waitMs, () => (Date.now() > at.getTime() ? true : undefined))
        expect(await journey.serving()).toEqual(['2', '2', '2'])
      })
      await journey.waitStatus('published')
      expect(await journey.serving()).toEqual(['4', '4', '4'])
      expect((await journey.history()).filter(({ VersionId }) => VersionId === ids[v4])).toHaveLength(1)
    })

    it('a replaced instance is kept through the bake time of the new one', async () => {
      await journey.policy({ BakeSeconds: '1' })
      const v5 = await journey.version('version-5', '5')
      await journey.publish(v5)
      const kept = await until('the first node', journey.waitMs, async () => {
        const at = (await journey.serving()).indexOf('5')
        return at < 0 ? undefined : journey.machines[at]?.running()
      })
      expect(kept.toSorted()).toEqual(['4', '5'])
      await journey.waitStatus('published')
      const isOneLeft = async (machine: Machine) => (await machine.running()).join() === '5'
      await until('the end of the old ones', journey.waitMs, async () =>
        (await Promise.all(journey.machines.map(isOneLeft))).every(Boolean) ? true : undefined,
      )
      expect(await journey.serving()).toEqual(['5', '5', '5'])
    })
  })
  return () => journey
}
