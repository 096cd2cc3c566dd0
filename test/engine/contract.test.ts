// The engine keeps to the contract of runtimes, with groups and with drivers in containers.
import { join } from 'node:path'
import type { DriverWorkload } from '@littoral/contract/node/desired-state'
import { afterAll, beforeAll } from 'vitest'
import { runtimeContract, type Behaviour } from '../../packages/agent/src/runtime/runtime.contract.ts'
import { ensureEngine, type EngineHandle } from '../../tools/engine.ts'
import { driver, driverSupport } from './drivers.ts'
import { container, group, imageOne, openBench } from './harness.ts'

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

runtimeContract('the engine with drivers in containers', async () => {
  process.env.LITTORAL_DRIVER_IMAGE_C = imageOne
  const bench = await openBench()
  const drivers = driverSupport(join(bench.folder, 'packages'))
  const runtime = bench.open({ drivers })
  const runs = (version: string) => `#!/bin/sh\n${say(version)}\n`
  const make = async (behaviour: Behaviour, version: string) => {
    const made = await driver({ main: behaviour === 'exits' ? '#!/bin/sh\nsleep 0.2; exit 3\n' : runs(version) }, { version })
    return behaviour === 'missing' ? withoutPackage(made) : made
  }
  const made = new Map<string, DriverWorkload>()
  for (const behaviour of ['runs', 'exits', 'missing'] as const) {
    for (const version of ['v1', 'v2', 'v7', 'v8']) made.set(`${behaviour} ${version}`, await make(behaviour, version))
  }
  return {
    runtime,
    async reopen() {
      await runtime.close()
      return bench.open({ drivers })
    },
    workload: (behaviour, version) => made.get(`${behaviour} ${version}`) as DriverWorkload,
    withConfig: (workload, config) => ({ ...(workload as DriverWorkload), config, digest: `digest-of-${config}` }),
    cleanUp: () => bench.dispose(),
  }
})

function withoutPackage(workload: DriverWorkload): DriverWorkload {
  const { package: _package, ...rest } = workload
  return rest
}
