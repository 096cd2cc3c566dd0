// Restarts that somebody asked for at once: an exited container is shown to the planner as if its pause were over. One that
// exits after the wish was made waits its time again.
import type { PlacedInstance } from './plan.ts'

export class Hurries {
  readonly #wishedAtMs = new Map<string, number>()

  /** False when none of these containers waits. */
  wish(key: string, instances: readonly PlacedInstance[], nowMs: number): boolean {
    const isWaiting = instances.some((instance) => instance.key === key && instance.containers.some(({ state }) => state === 'exited'))
    if (isWaiting) this.#wishedAtMs.set(key, nowMs)
    return isWaiting
  }

  apply(instances: readonly PlacedInstance[]): PlacedInstance[] {
    return instances.map((instance) => {
      const wishedAtMs = this.#wishedAtMs.get(instance.key)
      if (wishedAtMs === undefined) return instance
      const containers = instance.containers.map((container) =>
        container.state === 'exited' && (container.exitedAtMs ?? 0) <= wishedAtMs ? { ...container, exitedAtMs: 0 } : container,
      )
      return { ...instance, containers }
    })
  }

  keepOnly(keys: ReadonlySet<string>): void {
    for (const key of this.#wishedAtMs.keys()) if (!keys.has(key)) this.#wishedAtMs.delete(key)
  }
}
