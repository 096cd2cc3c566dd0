// Docker Swarm's side of the release measurement: one service on the same engine, its ports published in host mode, because
// its routing mesh needs a kernel module that many machines have not. Images are named by their id, so that no task waits for
// a registry. Only on an engine that was started for this: nobody's swarm is touched.
import { isEngineError } from '../packages/agent/src/runtime/engine/client/engine-error.ts'
import { findImage } from '../packages/agent/src/runtime/engine/client/images.ts'
import { until } from '../tools/journey/wait.ts'
import { freePort } from '../tools/start/settings.ts'
import type { Gaps } from './answers.ts'
import { openBadStarts } from './bad-starts.ts'
import type { Stage } from './fleet.ts'
import {
  askEveryMs,
  badPort,
  cpus,
  graceSeconds,
  imageOf,
  memoryBytes,
  patienceMs,
  probeSeconds,
  type Failed,
  type Side,
  type Tag,
  type Updated,
} from './sides.ts'

export type Order = 'stop-first' | 'start-first'

/** A side whose way of replacing can be chosen. */
export interface SwarmSide extends Side {
  order: Order
}

interface Service {
  readonly ID: string
  readonly Version: { readonly Index: number }
  readonly Spec: Record<string, unknown>
  readonly UpdateStatus?: { readonly State?: string; readonly Message?: string }
}

const nanoseconds = 1e9
const givenUp: ReadonlySet<string> = new Set(['paused', 'rollback_paused', 'rollback_completed'])
const serviceName = 'littoral-bench'
/** How long Swarm watches a new task for failure unless told otherwise. */
const monitorSeconds = 5

export async function openSwarm(stage: Stage): Promise<SwarmSide> {
  await leave(stage)
  const { engine } = stage
  const listen = { ListenAddr: `127.0.0.1:${await freePort('127.0.0.1')}`, AdvertiseAddr: '127.0.0.1' }
  await engine.json({ method: 'POST', path: '/swarm/init', body: listen, timeoutMs: 60_000 })
  const swarm = new Swarm(stage)
  try {
    await swarm.open()
  } catch (error) {
    await leave(stage)
    throw error
  }
  return Object.assign(swarm, { close: () => leave(stage) })
}

/** What an interrupted measurement left is ours to end; any other swarm is not. */
async function leave({ engine }: Stage): Promise<void> {
  try {
    const services = await engine.json<(Service & { Spec: { Name?: string } })[]>({ path: '/services' })
    const strange = services.find(({ Spec }) => Spec.Name !== serviceName)
    if (strange) throw new Error(`the engine is in a swarm that runs ${strange.Spec.Name}; it is not ours to end`)
    for (const { ID } of services) await engine.json({ method: 'DELETE', path: `/services/${ID}` })
    await engine.json({ method: 'POST', path: '/swarm/leave', query: { force: true }, timeoutMs: 60_000 })
  } catch (error) {
    // 503: this engine is in no swarm.
    if (!isEngineError(error) || ![406, 503].includes(error.status)) throw error
  }
}

class Swarm {
  readonly #stage: Stage
  order: Order = 'stop-first'
  #id = ''
  #serving: Tag = 'one'

  constructor(stage: Stage) {
    this.#stage = stage
  }

  async open(): Promise<void> {
    const { engine, answers, count, socketPath } = this.#stage
    const body = await this.#spec('one', count)
    this.#id = (await engine.json<{ ID: string }>({ method: 'POST', path: '/services/create', body })).ID
    const slots = { socketPath, label: `com.docker.swarm.service.id=${this.#id}`, slotLabel: 'com.docker.swarm.task.name', count }
    await answers.ask('watch', { everyMs: askEveryMs, slots })
    await answers.ask('until', { body: 'one', timeoutMs: patienceMs })
  }

  async update(tag: Tag, atOnce: number): Promise<Updated> {
    const { answers } = this.#stage
    await answers.ask('gaps')
    const there = answers.ask<number>('until', { body: tag, timeoutMs: patienceMs })
    there.catch(() => {})
    const startedAtMs = Date.now()
    await this.#change(tag, atOnce)
    const [thereAtMs] = await Promise.all([there, this.#ended('completed')])
    const ms = thereAtMs - startedAtMs
    this.#serving = tag
    return { ms, gaps: await answers.ask<Gaps>('gaps') }
  }

  async fail(atOnce: number): Promise<Failed> {
    const { answers, engine } = this.#stage
    await answers.ask('gaps')
    const id = await this.#imageId('bad')
    const label = `com.docker.swarm.service.id=${this.#id}`
    const bad = await openBadStarts(engine, label, ({ labels }) =>
      labels['image'] === id ? labels['com.docker.swarm.task.name']?.split('.')[1] : undefined,
    )
    const startedAtMs = Date.now()
    await this.#change('bad', atOnce)
    const recordedMs = (await this.#ended('rollback_completed')) - startedAtMs
    await answers.ask('until', { body: this.#serving, timeoutMs: patienceMs })
    const gaps = await answers.ask<Gaps>('gaps')
    bad.close()
    const ms = Math.max(bad.lastEndAtMs, gaps.recoveredAtMs) - startedAtMs
    return { ms, recordedMs, state: 'rollback_completed', touched: bad.instances.size, gaps }
  }

  async #change(tag: Tag, atOnce: number): Promise<void> {
    const { engine } = this.#stage
    const { Version } = await this.#service()
    const body = await this.#spec(tag, atOnce)
    await engine.json({ method: 'POST', path: `/services/${this.#id}/update`, query: { version: Version.Index }, body })
  }

  /** Resolves with the time at which the state was recorded. */
  #ended(state: string): Promise<number> {
    return until(`${state} of the service`, patienceMs, async () => {
      const { UpdateStatus } = await this.#service()
      const found = UpdateStatus?.State ?? ''
      if (found === state) return Date.now()
      // On a machine without time for its checks Swarm gives up on good versions too.
      if (givenUp.has(found)) throw new Error(`Swarm ended in ${found}: ${UpdateStatus?.Message ?? ''}`)
      return undefined
    })
  }

  #service(): Promise<Service> {
    return this.#stage.engine.json<Service>({ path: `/services/${this.#id}` })
  }

  async #imageId(tag: Tag): Promise<string> {
    const image = await findImage(this.#stage.engine, imageOf(tag))
    if (image === undefined) throw new Error(`the engine has no image ${imageOf(tag)}`)
    return image.Id
  }

  async #spec(tag: Tag, atOnce: number): Promise<object> {
    const way = { Parallelism: atOnce, Order: this.order, Monitor: monitorSeconds * nanoseconds, MaxFailureRatio: 0 }
    const check = ['CMD', 'wget', '-q', '-O', '/dev/null', 'http://127.0.0.1:8080/']
    return {
      Name: serviceName,
      TaskTemplate: {
        ContainerSpec: {
          Image: await this.#imageId(tag),
          ...(tag === 'bad' && { Env: [badPort] }),
          StopGracePeriod: graceSeconds * nanoseconds,
          Healthcheck: { Test: check, Interval: probeSeconds * nanoseconds, Timeout: probeSeconds * nanoseconds, Retries: 1 },
        },
        Resources: { Limits: { NanoCPUs: cpus * nanoseconds, MemoryBytes: memoryBytes } },
      },
      Mode: { Replicated: { Replicas: this.#stage.count } },
      EndpointSpec: { Ports: [{ Protocol: 'tcp', TargetPort: 8080, PublishMode: 'host' }] },
      UpdateConfig: { ...way, FailureAction: 'rollback' },
      RollbackConfig: { ...way, FailureAction: 'pause' },
    }
  }
}
