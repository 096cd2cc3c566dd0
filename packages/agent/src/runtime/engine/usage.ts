// Counters of every running container of this agent.
import type { UsageCounters } from '../runtime.ts'
import { readCgroup } from './cgroup.ts'
import type { EngineContext } from './context.ts'
import { identityOf } from './labels.ts'

export async function readUsage(context: EngineContext, signal: AbortSignal): Promise<UsageCounters[]> {
  const connected = await context.link.get(signal)
  const { instances } = await context.inventory.recall(connected, signal)
  const found: UsageCounters[] = []
  for (const [instanceId, members] of instances) {
    const key = [...members.values()].map(({ Config }) => identityOf(Config.Labels)?.workload.key).find((one) => one !== undefined)
    if (key === undefined) continue
    for (const [container, { State, HostConfig }] of members) {
      const counters = State.Running && State.Pid > 0 ? readCgroup(State.Pid) : undefined
      if (counters === undefined) continue
      const { NanoCpus = 0, Memory = 0 } = HostConfig
      found.push({
        ...{ key, instanceId, container, atMs: Date.now(), ...counters },
        ...(NanoCpus > 0 ? { cpuLimitMicros: Math.round(NanoCpus / 1000) } : {}),
        ...(Memory > 0 ? { memoryLimitBytes: Memory } : {}),
      })
    }
  }
  return found
}
