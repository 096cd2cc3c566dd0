// Which runtime of this node a workload goes to, and why none where none takes it.
import type { Workload } from '@littoral/contract/node/desired-state'
import type { Reason } from '@littoral/contract/node/report'
import type { Placement } from './plan.ts'
import type { Runtime } from './runtime/runtime.ts'

export type Placed = Placement & { readonly refusal?: Reason }

export interface Places {
  readonly runtimes: readonly Runtime[]
  /** Why this machine must not run a workload, whatever its runtimes say. */
  readonly unmet: (workload: Workload) => Reason | undefined
}

export function place(workload: Workload, { runtimes, unmet }: Places): Placed {
  const problem = unmet(workload)
  if (problem) return { workload, runtime: undefined, refusal: problem }
  let refusal: Reason = { code: 'Unsupported', message: `no runtime of this node runs workloads of kind ${workload.kind}` }
  for (const runtime of runtimes) {
    const answer = runtime.supports(workload)
    if (answer === true) return { workload, runtime: runtime.name }
    if (answer !== false) refusal = answer
  }
  return { workload, runtime: undefined, refusal }
}
