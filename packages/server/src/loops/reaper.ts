// Removes what nobody can use any more, so that no table grows without end.
import * as joinTokens from '../store/join-tokens.ts'
import { loop } from './loop.ts'

/** Expired tokens are kept for a day, so that a refusal can still be explained. */
const keptMs = 24 * 3600 * 1000

export const reaper = loop({
  name: 'reaper',
  wakeOn: [],
  everyMs: 3600 * 1000,
  async pass({ store, now }) {
    const beforeMs = now() - keptMs
    const expired = await store.read((tx) => joinTokens.countExpired(tx, beforeMs))
    if (expired > 0) await store.write(async (tx) => joinTokens.removeExpired(tx, beforeMs))
    return expired
  },
})
