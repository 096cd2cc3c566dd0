// Counts on how many instances a bad version was started, and notes when the last of its containers ended.
import type { Engine } from '../packages/agent/src/runtime/engine/client/connection.ts'
import { watchEvents, type ContainerEvent } from '../packages/agent/src/runtime/engine/client/events.ts'

export interface BadStarts {
  readonly instances: ReadonlySet<string>
  readonly lastEndAtMs: number
  close(): void
}

/** `instanceOf` names the instance a container belongs to, or undefined when it is none of the bad version. */
export async function openBadStarts(
  engine: Engine,
  label: string,
  instanceOf: (event: ContainerEvent) => string | undefined,
): Promise<BadStarts> {
  const ending = new AbortController()
  const instances = new Set<string>()
  let lastEndAtMs = 0
  await new Promise<void>((onConnected) => {
    void watchEvents(async () => engine, {
      label,
      onConnected,
      onEvent(event) {
        const instance = instanceOf(event)
        if (instance === undefined) return
        if (event.action === 'start') instances.add(instance)
        if (event.action === 'die') lastEndAtMs = Date.now()
      },
      onLost: () => {},
      signal: ending.signal,
    })
  })
  return {
    instances,
    get lastEndAtMs() {
      return lastEndAtMs
    },
    close: () => ending.abort(),
  }
}
