// The engine keeps to the contract of runtimes, with groups and with drivers in containers.
import { afterAll, beforeAll } from 'vitest'
import { runtimeContract, type Behaviour } from '../../packages/agent/src/runtime/runtime.contract.ts'
import { ensureEngine, type EngineHandle } from '../../tools/engine.ts'
import { container, group, openBench } from './harness.ts'

// Held for the whole file, or the engine would be started and stopped for every rule.
let held: EngineHandle
beforeAll(async () => {
  held = await ensureEngine()
})
afterAll(() => held.stop())

const say = (version: string) => `echo this is ${version}; exec httpd -f -p 8080 -h /www`
const scripts: Record<Behaviour, (version: string) => string> = { runs: say, exits: () => 'sleep 0.2; exit 3', missing: say }

runtimeContract('the engine with groups', async () => {
  const bench = await openBench()
  const runtime = bench.open()
  const ports = [{ servicePort: 20_000 + Math.floor(Math.random() * 10_000), targetPort: 8080, fallback: false }]
  const key = `app/${bench.owner}/prod`
  return {
    runtime,
    async reopen() {
      await runtime.close()
      return bench.open()
    },
    workload(behaviour, version) {
      const image = behaviour === 'missing' ? { image: '127.0.0.1:1/no/image:1' } : {}
      const command = ['/bin/sh', '-c', scripts[behaviour](version)]
      return group({ key, version, ports, containers: [container({ command, ...image })] })
    },
    cleanUp: () => bench.dispose(),
  }
})
