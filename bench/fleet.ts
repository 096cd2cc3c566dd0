// Littoral's side of the release measurement: one server, one app, and as many simulated nodes as there are replicas. What is
// asked of it is asked through the official client.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Engine } from '../packages/agent/src/runtime/engine/client/connection.ts'
import { readConfig } from '../packages/server/src/config.ts'
import { openServer } from '../packages/server/src/server.ts'
import { createApp, createVersion } from '../tools/journey/app.ts'
import { until } from '../tools/journey/wait.ts'
import { popCall, sdkCall } from '../tools/official-clients.ts'
import { freePort } from '../tools/start/settings.ts'
import type { Gaps } from './answers.ts'
import { openBadStarts } from './bad-starts.ts'
import type { Held } from './nodes.ts'
import { startPeer, type Peer } from './processes.ts'
import {
  addressOf,
  askEveryMs,
  badPort,
  imageOf,
  patienceMs,
  probeSeconds,
  type Failed,
  type Side,
  type Tag,
  type Updated,
} from './sides.ts'

export interface Stage {
  readonly engine: Engine
  readonly socketPath: string
  readonly count: number
  /** The process of answers.ts. */
  readonly answers: Peer
}

/** One interval: Swarm's first check comes after it, and one failure counts. */
const deadlineSeconds = probeSeconds

export async function openFleet(stage: Stage): Promise<Side> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'littoral-bench-server-'))
  const log = { info() {}, warn() {}, error: console.error }
  const config = readConfig({ LITTORAL_LISTEN: '127.0.0.1:0', LITTORAL_DATA: dataFolder, LITTORAL_THROTTLE: 'off' })
  const server = await openServer(config, { log })
  const nodes = startPeer('./nodes.ts')
  const fleet = new Fleet({ ...stage, nodes, url: server.url, key: server.rootKey })
  const close = async () => {
    await nodes.stop()
    await server.stop()
    await rm(dataFolder, { recursive: true, force: true })
  }
  try {
    await fleet.open()
  } catch (error) {
    await close()
    throw error
  }
  return { update: (tag, atOnce) => fleet.update(tag, atOnce), fail: (atOnce) => fleet.fail(atOnce), close }
}

interface FleetParts extends Stage {
  readonly nodes: Peer
  readonly url: string
  readonly key: { readonly accessKeyId: string; readonly accessKeySecret: string }
}

class Fleet {
  readonly #parts: FleetParts
  readonly #esa
  readonly #littoral
  readonly #versions = new Map<Tag, string>()
  #appId = ''
  #serving: Tag = 'one'

  constructor(parts: FleetParts) {
    this.#parts = parts
    this.#esa = sdkCall('@alicloud/esa20240910', parts.url, parts.key)
    this.#littoral = popCall(parts.url, parts.key, '2026-12-01')
  }

  /** Joins the nodes and brings the first version to all of them. */
  async open(): Promise<void> {
    const { count, nodes, socketPath, url, answers } = this.#parts
    const tokens: string[] = []
    for (let at = 0; at < count; at += 1) tokens.push(String((await this.#littoral('CreateNodeToken', {}))['Token']))
    await nodes.ask('open', { url, socketPath, tokens })
    const servicePort = await freePort('0.0.0.0')
    this.#appId = await createApp(this.#esa, { name: 'measured', servicePort, targetPort: 8080 })
    for (const tag of ['one', 'two', 'bad'] as const) this.#versions.set(tag, await this.#makeVersion(tag))
    await until('the nodes', patienceMs, async () => {
      const { Nodes } = (await this.#littoral('ListNodes', { PageSize: 100 })) as { Nodes: { IsOnline: boolean }[] }
      return Nodes.filter(({ IsOnline }) => IsOnline).length === count ? true : undefined
    })
    const fixed = Object.fromEntries(Array.from({ length: count }, (_, at) => [addressOf(at), `${addressOf(at)}:${servicePort}`]))
    await answers.ask('watch', { everyMs: askEveryMs, fixed })
    await this.#publish('one')
    await answers.ask('until', { body: 'one', timeoutMs: patienceMs })
    await this.#ended('one')
  }

  #makeVersion(tag: Tag): Promise<string> {
    const probe = { Port: 8080, Path: '/', PeriodSeconds: probeSeconds, TimeoutSeconds: probeSeconds, FailureThreshold: 1 }
    const more = { ProbeType: 'httpGet', ProbeContent: probe, ...(tag === 'bad' && { EnvVariables: badPort }) }
    return createVersion(this.#esa, { appId: this.#appId, name: `version-${tag}`, image: imageOf(tag), port: 8080, more })
  }

  async update(tag: Tag, atOnce: number): Promise<Updated> {
    const { answers } = this.#parts
    await this.#setPolicy({ MaxUnavailable: String(atOnce), DeadlineSeconds: '60', AutoRollback: 'false' })
    await this.#rested()
    await answers.ask('gaps')
    const there = answers.ask<number>('until', { body: tag, timeoutMs: patienceMs })
    there.catch(() => {})
    const startedAtMs = Date.now()
    await this.#publish(tag)
    const ms = (await there) - startedAtMs
    await this.#ended(tag)
    await this.#rested()
    this.#serving = tag
    return { ms, gaps: await answers.ask<Gaps>('gaps') }
  }

  async fail(atOnce: number): Promise<Failed> {
    const { answers, engine } = this.#parts
    await this.#setPolicy({ MaxUnavailable: String(atOnce), DeadlineSeconds: String(deadlineSeconds), AutoRollback: 'true' })
    await this.#rested()
    await answers.ask('gaps')
    const label = `littoral.version=${this.#versions.get('bad')}`
    const bad = await openBadStarts(engine, label, ({ labels }) => labels['littoral.node'])
    const startedAtMs = Date.now()
    await this.#publish('bad')
    const recordedAtMs = await until('the revert', patienceMs, async () => {
      const { Releases } = await this.#littoral('ListReleases', { AppId: this.#appId, PublishEnv: 'prod', PageSize: 1 })
      const [newest] = Releases as { Kind: string; State: string }[]
      return newest?.Kind === 'revert' && newest.State === 'rolledBack' ? Date.now() : undefined
    })
    await this.#rested()
    await answers.ask('until', { body: this.#serving, timeoutMs: patienceMs })
    const gaps = await answers.ask<Gaps>('gaps')
    bad.close()
    const ms = Math.max(bad.lastEndAtMs, gaps.totalMs > 0 ? gaps.recoveredAtMs : 0) - startedAtMs
    return { ms, recordedMs: recordedAtMs - startedAtMs, state: 'rolledBack', touched: bad.instances.size, gaps }
  }

  #publish(tag: Tag): Promise<unknown> {
    return this.#esa('PublishEdgeContainerAppVersion', { AppId: this.#appId, VersionId: this.#versions.get(tag), PublishEnv: 'prod' })
  }

  #setPolicy(policy: Record<string, string>): Promise<unknown> {
    return this.#littoral('SetReleasePolicy', { AppId: this.#appId, ...policy })
  }

  async #ended(tag: Tag): Promise<void> {
    await until('the end of the release', patienceMs, async () => {
      const { AppStatus } = await this.#esa('GetEdgeContainerAppStatus', { AppId: this.#appId, PublishEnv: 'prod' })
      const { PublishStatus, DeployedVersion } = AppStatus as { PublishStatus: string; DeployedVersion?: string }
      return PublishStatus === 'published' && DeployedVersion === this.#versions.get(tag) ? true : undefined
    })
  }

  /** As nodes are between two releases: one instance each, and one holder to spare. */
  async #rested(): Promise<void> {
    const { nodes, count } = this.#parts
    await until('rest', patienceMs, async () => {
      const { members, holders } = await nodes.ask<Held>('held')
      return members === count && holders === 2 * count ? true : undefined
    })
  }
}
