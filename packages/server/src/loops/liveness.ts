// Takes nodes off line that have been silent for too long, whichever server process they were connected to.
import { planLiveness } from '../domain/liveness.ts'
import * as nodes from '../store/nodes.ts'
import { type Loop, loop } from './loop.ts'

/** The loop of a server that has been watching since then. */
export function livenessSince(watchingSinceMs: number): Loop {
  return loop({
    name: 'liveness',
    wakeOn: [],
    everyMs: 5000,
    async pass({ store, now, settings: { heartbeatMs }, log }) {
      const online = await store.read(nodes.listOnline)
      const { lost, seenBeforeMs } = planLiveness(online, { nowMs: now(), heartbeatMs, watchingSinceMs })
      if (lost.length === 0) return 0
      await store.write(async (tx) => {
        for (const id of lost) nodes.updateOffline(tx, id, seenBeforeMs)
      })
      log.warn({ nodes: lost }, 'nodes fell silent and are off line')
      return lost.length
    },
  })
}
