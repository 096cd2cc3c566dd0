// The last results of a container's probe: what an incident shows of it. Bounded, and kept beyond the end of the container.
import type { ProbeResult } from '@littoral/contract/node/incident'

const mostResults = 20
const longestOutput = 300

export class Transcripts {
  /** Instance → container → results. */
  readonly #byInstance = new Map<string, Map<string, ProbeResult[]>>()

  note(instanceId: string, container: string, result: ProbeResult): void {
    const ofInstance = this.#byInstance.get(instanceId) ?? new Map<string, ProbeResult[]>()
    this.#byInstance.set(instanceId, ofInstance)
    const results = ofInstance.get(container) ?? []
    ofInstance.set(container, results)
    results.push({ ...result, output: result.output.slice(0, longestOutput) })
    if (results.length > mostResults) results.shift()
  }

  of(instanceId: string): ReadonlyMap<string, readonly ProbeResult[]> {
    return new Map([...(this.#byInstance.get(instanceId) ?? [])].map(([container, results]) => [container, [...results]]))
  }

  keepOnly(instanceIds: ReadonlySet<string>): void {
    for (const instanceId of this.#byInstance.keys()) if (!instanceIds.has(instanceId)) this.#byInstance.delete(instanceId)
  }
}
