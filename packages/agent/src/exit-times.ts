// When containers exited, on the steady clock: platforms note it by the machine's clock, which may jump, and the pause before
// the next start must neither vanish nor last for years then. Each exit is translated once, when it is first seen.
import type { Clock } from './clock.ts'
import type { PlacedInstance } from './plan.ts'

export class ExitTimes {
  readonly #clock: Clock
  #seen = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The instances with every `exitedAtMs` on the steady clock. */
  translate(instances: readonly PlacedInstance[]): PlacedInstance[] {
    const seen = new Map<string, number>()
    const translated = instances.map((instance) => {
      if (instance.containers.every(({ exitedAtMs }) => exitedAtMs === undefined)) return instance
      const containers = instance.containers.map((container) => {
        const { exitedAtMs, name } = container
        if (exitedAtMs === undefined) return container
        const exit = `${instance.instanceId} ${name} ${exitedAtMs}`
        const steadyMs = this.#seen.get(exit) ?? this.#clock.toSteadyMs(exitedAtMs)
        seen.set(exit, steadyMs)
        return { ...container, exitedAtMs: steadyMs }
      })
      return { ...instance, containers }
    })
    this.#seen = seen
    return translated
  }
}
