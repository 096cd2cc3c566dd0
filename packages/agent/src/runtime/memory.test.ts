import { describe, expect, it } from 'vitest'
import { container, driver, group } from '../test-workloads.ts'
import { MemoryMachine, MemoryRuntime } from './memory.ts'
import { type Behaviour, runtimeContract } from './runtime.contract.ts'

const words: Record<Behaviour, string> = { runs: 'web', exits: 'exit-3-after-20', missing: 'missing-image' }

runtimeContract('the memory runtime with groups', async () => {
  const machine = new MemoryMachine()
  return {
    runtime: new MemoryRuntime(machine),
    reopen: async () => new MemoryRuntime(machine),
    workload: (behaviour, version) => group({ version, containers: [container({ image: `demo/${words[behaviour]}:1` })] }),
    cleanUp: async () => {},
  }
})

runtimeContract('the memory runtime with drivers', async () => {
  const machine = new MemoryMachine()
  return {
    runtime: new MemoryRuntime(machine),
    reopen: async () => new MemoryRuntime(machine),
    workload: (behaviour, version) => driver({ version, driverName: words[behaviour] }),
    withConfig: (workload, config) => driver({ version: workload.version, driverName: words.runs, config }),
    cleanUp: async () => {},
  }
})

const never = () => new AbortController().signal

describe('ports in the memory runtime', () => {
  it('are refused when another group has them, or replaced where that is allowed', async () => {
    const runtime = new MemoryRuntime()
    const start = async (key: string, fallback: boolean) => {
      const id = await runtime.start(group({ key, ports: [{ servicePort: 80, targetPort: 80, fallback }] }), never())
      await runtime.activate(id)
      return (await runtime.observe()).find(({ instanceId }) => instanceId === id)?.addresses
    }
    expect(await start('app/a/prod', false)).toEqual([{ servicePort: 80, port: 80 }])
    await expect(start('app/b/prod', false)).rejects.toMatchObject({ code: 'PortInUse' })
    expect(await start('app/a/staging', true)).toEqual([{ servicePort: 80, port: 20_000 }])
  })
})
