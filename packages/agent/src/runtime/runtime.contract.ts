// What every runtime must do, whatever it stands on: the memory runtime, processes and container engines run the same
// suite. The numbers in titles are the rules at the head of runtime.ts.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { DriverWorkload, Workload } from '@littoral/contract/node/desired-state'
import type { LogOptions, ObservedInstance, Runtime, StepError } from './runtime.ts'

/**
 * runs: gets ready, says a line with its version, stays · exits: exits soon with code 3 · missing: cannot be prepared.
 */
export type Behaviour = 'runs' | 'exits' | 'missing'

export interface ContractSubject {
  runtime: Runtime
  /** The runtime of the next agent on the same machine, after this one was closed. */
  reopen(): Promise<Runtime>
  workload(behaviour: Behaviour, version: string): Workload
  /** The same with another config; drivers only. */
  withConfig?(workload: Workload, config: string): DriverWorkload
  cleanUp(): Promise<void>
}

export interface ContractOptions {
  /** Longest time a state may take to be reached. */
  readonly patienceMs?: number
}

const never = () => new AbortController().signal
const quietly = () => {}

export function runtimeContract(title: string, open: () => Promise<ContractSubject>, { patienceMs = 20_000 }: ContractOptions = {}): void {
  describe(`${title} keeps to the contract of runtimes`, () => {
    let subject: ContractSubject
    beforeEach(async () => {
      subject = await open()
    })
    afterEach(() => subject.cleanUp())

    async function find(instanceId: string): Promise<ObservedInstance | undefined> {
      return (await subject.runtime.observe(never())).find((instance) => instance.instanceId === instanceId)
    }

    async function until(instanceId: string, what: (instance: ObservedInstance) => boolean): Promise<ObservedInstance> {
      const deadline = performance.now() + patienceMs
      for (;;) {
        const instance = await find(instanceId)
        if (instance && what(instance)) return instance
        if (performance.now() > deadline) throw new Error(`not in time: ${JSON.stringify(instance)}`)
        await new Promise((resolve) => setTimeout(resolve, 25))
      }
    }

    async function startOne(behaviour: Behaviour, version = 'v1'): Promise<{ workload: Workload; id: string }> {
      const workload = subject.workload(behaviour, version)
      await subject.runtime.prepare(workload, never(), quietly)
      return { workload, id: await subject.runtime.start(workload, never()) }
    }

    async function readLog(id: string, options: Partial<LogOptions> = {}): Promise<string> {
      let text = ''
      for await (const chunk of subject.runtime.logs(id, { tailLines: 100, follow: false, ...options }, never())) text += chunk
      return text
    }

    it('says what it is', async () => {
      const facts = await subject.runtime.capabilities()
      expect(facts).toMatchObject({ name: subject.runtime.name, isAvailable: true })
      expect(subject.runtime.supports(subject.workload('runs', 'v1'))).toBe(true)
    })

    it('starts a prepared workload, which gets ready (1)', async () => {
      const { workload, id } = await startOne('runs')
      const instance = await until(id, ({ phase }) => phase === 'ready')
      const { key, version, digest, kind } = workload
      expect(instance).toMatchObject({ key, version, digest, kind, restarts: 0 })
      expect(instance.containers.map(({ state, isReady }) => ({ state, isReady }))).toEqual([{ state: 'running', isReady: true }])
      expect(instance.createdAtMs).toBeGreaterThan(Date.now() - patienceMs * 2)
    })

    it('never uses an id twice (1)', async () => {
      const first = await startOne('runs')
      await subject.runtime.stop(first.id, { reason: 'replaced', graceSeconds: 1 }, never())
      await subject.runtime.remove(first.id, never())
      const second = await startOne('runs')
      expect(second.id).not.toBe(first.id)
    })

    it('says why a workload cannot be prepared (5)', async () => {
      const missing = subject.workload('missing', 'v1')
      const refusal = await subject.runtime.prepare(missing, never(), quietly).catch((error: StepError) => error)
      expect(refusal).toMatchObject({ name: 'StepError', code: expect.stringMatching(/^[A-Z]\w+$/) as string })
      expect(await subject.runtime.observe(never())).toEqual([])
    })

    it('prepares again without trouble (3)', async () => {
      const workload = subject.workload('runs', 'v1')
      await subject.runtime.prepare(workload, never(), quietly)
      await subject.runtime.prepare(workload, never(), quietly)
      await expect(
        subject.runtime.prepare(workload, AbortSignal.abort(new Error('enough')), quietly).then(quietly, quietly),
      ).resolves.toBeUndefined()
      expect(await subject.runtime.start(workload, never())).toBeTypeOf('string')
    })

    it('shows an exit with its code, and leaves the restart to the plan (4)', async () => {
      const { id } = await startOne('exits')
      const before = await until(id, ({ phase }) => phase === 'backoff')
      expect(before.containers[0]).toMatchObject({ state: 'exited', exitCode: 3, failures: 1, restarts: 0, isReady: false })
      expect(before.containers[0]?.exitedAtMs).toBeGreaterThan(Date.now() - patienceMs)
      expect(before.reason?.message).toContain('3')
      await subject.runtime.restart(id, before.containers[0]!.name, never())
      const after = await until(id, ({ phase, containers }) => phase === 'backoff' && containers[0]?.failures === 2)
      expect(after.restarts).toBe(1)
      expect(after.lastRestartReason).toBeTypeOf('string')
    })

    it('tells of changes without being asked', async () => {
      let calls = 0
      const unsubscribe = subject.runtime.events(() => (calls += 1))
      const { id } = await startOne('exits')
      await until(id, ({ phase }) => phase === 'backoff')
      await expect.poll(() => calls, { timeout: patienceMs }).toBeGreaterThan(0)
      unsubscribe()
    })

    it('stops and removes, also again, also what it does not know (3)', async () => {
      const { id } = await startOne('runs')
      await until(id, ({ phase }) => phase === 'ready')
      for (const target of [id, id, 'unknown-instance']) await subject.runtime.stop(target, { reason: 'removed', graceSeconds: 2 }, never())
      expect((await find(id))?.phase).toBe('stopped')
      for (const target of [id, id, 'unknown-instance']) await subject.runtime.remove(target, never())
      expect(await subject.runtime.observe(never())).toEqual([])
    })

    it('gives the log, its newest lines first to be kept', async () => {
      const { id } = await startOne('runs', 'v7')
      await until(id, ({ phase }) => phase === 'ready')
      await expect.poll(() => readLog(id), { timeout: patienceMs }).toContain('v7')
      expect(await readLog(id, { tailLines: 0 })).toBe('')
      const name = (await find(id))!.containers[0]!.name
      expect(await readLog(id, { container: name })).toMatch(/v7.*\n/)
    })

    it('follows a log until nobody listens any more', async () => {
      const { id } = await startOne('runs', 'v8')
      const abort = new AbortController()
      let text = ''
      for await (const chunk of subject.runtime.logs(id, { tailLines: 10, follow: true }, abort.signal)) {
        text += chunk
        if (text.includes('v8')) abort.abort()
      }
      expect(text).toContain('v8')
    })

    it('has no log of what is not there', async () => {
      const { id } = await startOne('runs')
      await expect(readLog('unknown-instance')).rejects.toMatchObject({ name: 'StepError', code: 'NotFound' })
      await expect(readLog(id, { container: 'unknown' })).rejects.toMatchObject({ name: 'StepError', code: 'NotFound' })
    })

    it('finds its instances again after a restart of the agent (2)', async () => {
      const { workload, id } = await startOne('runs')
      await until(id, ({ phase }) => phase === 'ready')
      subject.runtime = await subject.reopen()
      const found = await until(id, () => true)
      expect(found).toMatchObject({ key: workload.key, version: workload.version, digest: workload.digest })
      // A process is a child of the agent and ended with it: restarting it is the plan's decision, as for any exit.
      if (found.phase === 'backoff') await subject.runtime.restart(id, found.containers[0]!.name, never())
      await until(id, ({ phase }) => phase === 'ready')
    })

    it('keeps what a start needs when it tidies up', async () => {
      const workload = subject.workload('runs', 'v1')
      await subject.runtime.prepare(workload, never(), quietly)
      await subject.runtime.tidy([workload], never())
      const id = await subject.runtime.start(workload, never())
      await subject.runtime.tidy([workload], never())
      expect(await until(id, ({ phase }) => phase === 'ready')).toMatchObject({ key: workload.key, restarts: 0 })
    })

    it('runs two versions of a group beside each other and moves the ports between them', async () => {
      if (subject.workload('runs', 'v1').kind !== 'group') return
      const first = await startOne('runs', 'v1')
      await until(first.id, ({ phase }) => phase === 'ready')
      expect((await find(first.id))?.isActive).toBe(false)
      await subject.runtime.activate(first.id, never())
      const before = await until(first.id, ({ isActive }) => isActive)
      const second = await startOne('runs', 'v2')
      await until(second.id, ({ phase }) => phase === 'ready')
      await subject.runtime.activate(second.id, never())
      const after = await until(second.id, ({ isActive }) => isActive)
      expect((await find(first.id))?.isActive).toBe(false)
      expect(after.addresses.length).toBeGreaterThan(0)
      expect(after.addresses).toEqual(before.addresses)
    })

    it('hands a new config to a running driver without a restart', async () => {
      if (!subject.withConfig) return
      const { workload, id } = await startOne('runs')
      await until(id, ({ phase }) => phase === 'ready')
      const changed = subject.withConfig(workload, '{"config":{"json":{"speed":9600}},"deviceList":[]}')
      expect(changed.digest).not.toBe(workload.digest)
      await subject.runtime.prepare(changed, never(), quietly)
      await subject.runtime.updateConfig(id, changed, never())
      const instance = await until(id, ({ digest }) => digest === changed.digest)
      expect(instance).toMatchObject({ phase: 'ready', restarts: 0 })
    })
  })
}
