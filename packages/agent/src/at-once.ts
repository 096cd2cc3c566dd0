// How many steps of a sort run at once. A prepare may take minutes and a stop waits for open connections: neither may keep a
// short step waiting. Packages of drivers are small beside images, and an edge instance has thirty of them.
import type { Step } from './steps.ts'

const most = { prepare: 3, fetch: 8, stop: 16, short: 16 }

export function mayBegin(step: Step, running: Iterable<{ readonly step: Step }>): boolean {
  const alike = [...running].filter((other) => sort(other.step) === sort(step))
  return alike.length < most[sort(step)]
}

function sort(step: Step): keyof typeof most {
  if (step.kind === 'prepare') return step.workload.kind === 'driver' ? 'fetch' : 'prepare'
  return step.kind === 'stop' ? 'stop' : 'short'
}
