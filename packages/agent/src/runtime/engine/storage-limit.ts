// The storage limit of containers where the engine has none of its own (every engine on ext4): their size is looked at now
// and then, and a container that has outgrown its limit is ended and made anew.
import type { EngineContext } from './context.ts'
import { findContainer, killContainer } from './client/containers.ts'
import { hasHardStorageLimit } from './container-spec.ts'
import { groupContainer, identityOf } from './labels.ts'

/** Measuring walks through the container's whole writable layer, so it is done rarely and one at a time. */
const everyMs = 60_000

/** Begins to look; returns the end of it. */
export function watchStorage(context: EngineContext, periodMs: number = everyMs): () => void {
  const ending = new AbortController()
  let timer = setTimeout(round, periodMs)
  timer.unref()
  function round(): void {
    void checkStorage(context, ending.signal)
      .catch((error: unknown) => {
        if (!ending.signal.aborted) context.log(`storage check: ${error instanceof Error ? error.message : String(error)}`)
      })
      .then(() => {
        if (ending.signal.aborted) return
        timer = setTimeout(round, periodMs)
        timer.unref()
      })
  }
  return () => {
    ending.abort()
    clearTimeout(timer)
  }
}

async function checkStorage(context: EngineContext, signal: AbortSignal): Promise<void> {
  const connected = await context.link.get(signal)
  if (hasHardStorageLimit(connected.info.Driver)) return
  const { instances } = await context.inventory.read(connected, signal)
  for (const [instanceId, members] of instances) {
    const identity = [...members.values()].map(({ Config }) => identityOf(Config.Labels)).find((found) => found !== undefined)
    for (const [name, { Id, State }] of members) {
      const limit = identity === undefined ? undefined : groupContainer(identity.workload, name)?.storageBytes
      if (!State.Running || limit === undefined) continue
      const measured = await findContainer(connected.engine, Id, { size: true, signal })
      const used = measured?.SizeRw ?? 0
      if (used <= limit) continue
      const notes = context.notes.container(instanceId, name)
      notes.isToBeRecreated = true
      notes.killReason = { code: 'StorageExceeded', message: `it wrote ${used} bytes; its storage is ${limit} bytes` }
      context.notes.save(instanceId)
      await killContainer(connected.engine, Id, 'KILL', signal)
    }
  }
}
