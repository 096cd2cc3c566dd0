// The loop that has nodes told when what is collected from an application changes. What they are told is read when it is sent
// (nodes/desired.ts), so all there is to do is to count up the generations of the nodes that have the application.
import { environments, workloadKey } from '../domain/app.ts'
import * as assignments from '../store/assignments.ts'
import * as rivers from '../store/edge-container/log-rivers.ts'
import { type Loop, loop } from './loop.ts'

const appsAtOnce = 100

export const logRivers: Loop = loop({
  name: 'log-rivers',
  wakeOn: ['log-rivers'],
  everyMs: 10_000,
  async pass({ store }, signal) {
    const untold = await store.read((tx) => rivers.listUntold(tx, appsAtOnce))
    for (const river of untold) {
      signal.throwIfAborted()
      await store.write(async (tx) => {
        await assignments.retell(
          tx,
          environments.map((environment) => workloadKey(river.appId, environment)),
        )
        rivers.updateTold(tx, river)
      })
    }
    return untold.length
  },
})
