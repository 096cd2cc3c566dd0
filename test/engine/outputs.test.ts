// What containers write is read once, on every engine there is: over restarts of the agent and of the container, lines longer than an
// engine's frames, files, and the last words before a removal. The river alone, without a sink: what is in the spool was collected.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { LogRiver } from '../../packages/agent/src/log-river/river.ts'
import type { LogRecord } from '../../packages/agent/src/log-river/records.ts'
import { Spool } from '../../packages/agent/src/log-river/spool.ts'
import type { Runtime } from '../../packages/agent/src/runtime/runtime.ts'
import { ensureEngine, type EngineHandle } from '../../tools/engine.ts'
import { eventually, forever, group, isReady, openBench, script, until, type Bench } from './harness.ts'
import { startPodman, whyNoPodman } from './podman-engine.ts'

const missing = whyNoPodman()
const engines: { name: string; start: () => Promise<EngineHandle>; isMissing: boolean }[] = [
  { name: 'the machine’s engine', start: ensureEngine, isMissing: false },
  { name: `Podman${missing === undefined ? '' : ` (skipped: ${missing})`}`, start: startPodman, isMissing: missing !== undefined },
]

describe.each(engines)('on $name', ({ start, isMissing }) => {
  describe.skipIf(isMissing)('what containers write', () => {
    let bench: Bench
    let runtime: Runtime
    let folder: string
    let river: LogRiver
    let spool: Spool
    const records: LogRecord[] = []

    beforeAll(async () => {
      bench = await openBench(start)
      runtime = bench.open({ beforeRemove: (instanceId) => river.settle(instanceId) })
      folder = await mkdtemp(join(tmpdir(), 'littoral-outputs-'))
      await openRiver()
    }, 240_000)
    afterEach(() => bench.clear())
    afterAll(async () => {
      await river?.close()
      await bench?.dispose()
      await rm(folder, { recursive: true, force: true })
    })

    async function openRiver(): Promise<void> {
      spool = await Spool.open({ folder, mostBytes: 1 << 26 })
      const node = { name: 'node-1', region: 'zhejiang' }
      river = new LogRiver({ port: runtime.outputs!, spool, node, log: () => {}, everyMs: 100 })
      runtime.events(() => river.wake())
    }

    /** Starts a shell script whose outputs and files below /logs are collected. */
    async function collect(text: string): Promise<{ key: string; instanceId: string }> {
      const workload = group({ containers: [script(`mkdir -p /logs; ${text}`)] })
      await river.want(new Map([[workload.key, { isStdout: true, path: '/logs/*' }]]), new Set([workload.key]), 0)
      await runtime.prepare(workload, forever(), () => {})
      const instanceId = await runtime.start(workload, forever())
      return { key: workload.key, instanceId }
    }

    async function collected(instanceId: string, stream?: string): Promise<string[]> {
      for (let chunk = await spool.read(); chunk !== undefined; chunk = await spool.read()) {
        records.push(...chunk.records)
        await spool.acknowledge(chunk)
      }
      const own = records.filter(({ origin }) => origin?.instance === instanceId)
      return own.filter((record) => stream === undefined || record.stream === stream).map(({ text }) => text)
    }

    const upTo = (count: number) => Array.from({ length: count }, (_, index) => `line ${index + 1}`)

    test('comes once, whatever the agent is stopped and started in the middle of', async () => {
      const counting = 'i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo "line $i"; echo "line $i" >> /logs/a; sleep 0.1; done; sleep 1000'
      const { key, instanceId } = await collect(counting)
      for (const least of [5, 15]) {
        await eventually(async () => (await collected(instanceId, 'stdout')).length >= least)
        await river.close()
        await openRiver()
        await river.want(new Map([[key, { isStdout: true, path: '/logs/*' }]]), new Set([key]), 0)
      }
      await eventually(async () => (await collected(instanceId)).length >= 80, 30_000)
      expect(await collected(instanceId, 'stdout')).toEqual(upTo(40))
      expect(await collected(instanceId, 'file')).toEqual(upTo(40))
    })

    test('comes in whole lines however long they are, with the rest of its output around them', async () => {
      const long = 'x=abcdefghij; for i in 1 2 3 4 5 6 7 8 9 10 11 12; do x=$x$x; done; echo ${x}'
      const { instanceId } = await collect(`echo before; ${long}; echo after; sleep 1000`)
      await eventually(async () => (await collected(instanceId, 'stdout')).at(-1) === 'after')
      const lines = await collected(instanceId, 'stdout')
      expect(lines.at(0)).toBe('before')
      expect(lines.slice(1, -1).join('')).toBe('abcdefghij'.repeat(4096))
    })

    test('goes on with the same container started again, and ends with its last words', async () => {
      const words = 'echo "run $(cat /logs/a 2>/dev/null | tr -d "\\n")"; echo more >> /logs/a; echo unended >> /logs/b; echo -n ends'
      const { instanceId } = await collect(`${words}; exit 3`)
      await until(runtime, instanceId, ({ phase }) => phase === 'backoff')
      await eventually(async () => (await collected(instanceId, 'stdout')).includes('ends'))
      await runtime.restart(instanceId, 'web', forever())
      await eventually(async () => (await collected(instanceId, 'stdout')).length >= 4)
      expect(await collected(instanceId, 'stdout')).toEqual(['run ', 'ends', 'run more', 'ends'])
    })

    test('is read before the instance is removed', async () => {
      const { instanceId } = await collect(
        'trap "echo bye; echo bye >> /logs/new; exit 0" TERM; echo hello; while true; do sleep 0.05; done',
      )
      await until(runtime, instanceId, isReady)
      await eventually(async () => (await collected(instanceId, 'stdout')).includes('hello'))
      await runtime.stop(instanceId, { reason: 'removed', graceSeconds: 10 }, forever())
      await runtime.remove(instanceId, forever())
      expect(await collected(instanceId, 'stdout')).toEqual(['hello', 'bye'])
      expect(await collected(instanceId, 'file')).toEqual(['bye'])
    })
  })
})
