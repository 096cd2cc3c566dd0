// Removes what nobody can use any more, so that no table grows without end.
import * as audit from '../store/audit.ts'
import * as incidents from '../store/incidents.ts'
import * as joinTokens from '../store/join-tokens.ts'
import * as deviceStates from '../store/iot-edge/device-states.ts'
import * as pins from '../store/image-pins.ts'
import * as samples from '../store/samples.ts'
import type { Store } from '../store/store.ts'
import { loop } from './loop.ts'

/** Expired tokens are kept for a day, so that a refusal can still be explained. */
const keptMs = 24 * 3600 * 1000
/** Samples are kept for a day, or for less where there are more of them than this. */
const mostSamples = 2_000_000
/** What devices said is kept for a week, or for less where there is more of it than this. */
const deviceHistoryKeptMs = 7 * keptMs
const mostDeviceHistory = 2_000_000
const incidentsKeptMs = 30 * keptMs

export const reaper = loop({
  name: 'reaper',
  wakeOn: [],
  everyMs: 3600 * 1000,
  async pass({ store, now, settings }) {
    const beforeMs = now() - keptMs
    const expired = await store.read((tx) => joinTokens.countExpired(tx, beforeMs))
    if (expired > 0) await store.write(async (tx) => joinTokens.removeExpired(tx, beforeMs))
    await reapSamples(store, now())
    await audit.removeBefore(store, now() - settings.auditKeptMs)
    await reapDeviceHistory(store, now())
    await store.write(async (tx) => {
      pins.removeOrphans(tx)
      incidents.removeBefore(tx, now() - incidentsKeptMs)
    })
    return expired
  },
})

async function reapSamples(store: Store, nowMs: number): Promise<void> {
  for (let ageMs = keptMs; ageMs > 60_000; ageMs /= 2) {
    await store.write(async (tx) => samples.removeBefore(tx, nowMs - ageMs))
    if ((await store.read((tx) => samples.count(tx))) <= mostSamples) return
  }
}

async function reapDeviceHistory(store: Store, nowMs: number): Promise<void> {
  for (let ageMs = deviceHistoryKeptMs; ageMs > 60_000; ageMs /= 2) {
    await store.write(async (tx) => deviceStates.removeHistoryBefore(tx, nowMs - ageMs))
    if ((await store.read((tx) => deviceStates.countHistory(tx))) <= mostDeviceHistory) return
  }
}
