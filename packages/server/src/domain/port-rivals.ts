// Who else wants the ports of an application on its node: a port leads to one workload, and the others wait for it. Pure;
// ExplainNode shows it, because a node only knows that its port is taken, and not what by.
import type { Workload } from '@littoral/contract/node/desired-state'
import type { Cause } from './explanation.ts'

export interface PortUser {
  readonly key: string
  readonly workload: Workload
  /** Ports of the node that lead to it now, as its node says. */
  readonly serves: readonly number[]
}

/** One cause for each workload of the node that asks for the port, too, whoever has it now. */
export function portRivals(key: string, port: number, users: readonly PortUser[]): Cause[] {
  const rivals = users.filter((user) => user.key !== key && fixedPorts(user.workload).includes(port))
  return rivals.map(({ key: rival, serves }) => {
    const holds = serves.includes(port) ? 'has' : 'asks for'
    const message = `${rival} ${holds} port ${port} of the node as well, which leads to one of them; give one another ServicePort.`
    return { code: 'PortTaken', message }
  })
}

/** Ports that have to be exactly these; what may move to another one takes nothing away. */
function fixedPorts(workload: Workload): number[] {
  if (workload.kind === 'group') return workload.ports.flatMap(({ servicePort, fallback }) => (fallback ? [] : [servicePort]))
  return (workload.container?.ports ?? []).flatMap(({ hostPort, protocol }) => (protocol === 'tcp' ? [hostPort] : []))
}
