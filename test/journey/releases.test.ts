// Releases on three nodes of production with the memory runtime: a share, a version that fails and stops, a rollback, a time
// to begin that passes while the server is down, and a node that is unplugged meanwhile. With real containers:
// releases-engine.test.ts.
import { releaseJourney, type Machine } from './releases.contract.ts'
import type { TestNode } from '../test-node.ts'

releaseJourney(async () => ({
  servicePort: 24_001,
  waitMs: 25_000,
  image: (tag) => ({ image: `registry.example/three:${tag}` }),
  openMachine: async (server, appId) => toMachine(await server.openNode({ environment: 'prod' }), `app/${appId}/prod`),
}))

function toMachine(node: TestNode, key: string): Machine {
  const { machine } = node
  type Instance = NonNullable<ReturnType<typeof machine.instances.get>>
  const tagOf = ({ workload }: Instance) => (workload.kind === 'group' ? workload.containers[0]?.image.split(':').at(-1) : undefined) ?? ''
  return {
    nodeId: node.nodeId,
    async serving() {
      const instance = machine.instances.get(machine.ports.get(key)?.instanceId ?? '')
      return instance && tagOf(instance)
    },
    running: async () => [...machine.instances.values()].map(tagOf),
    unplug: () => node.disconnect(),
    replug: () => node.reconnect(),
    close: () => node.close(),
  }
}
