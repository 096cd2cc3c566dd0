// A command in a container of an instance, for terminals.
import { StepError, type ExecOptions, type ExecSession } from '../runtime.ts'
import { attachExec } from './client/attached-exec.ts'
import { isEngineError } from './client/engine-error.ts'
import type { EngineContext } from './context.ts'
import { containerNames, identityOf } from './labels.ts'

export async function execIn(context: EngineContext, instanceId: string, options: ExecOptions, signal: AbortSignal): Promise<ExecSession> {
  const connected = await context.link.get(signal)
  const { instances } = await context.inventory.read(connected, signal)
  const members = instances.get(instanceId)
  const identity = [...(members?.values() ?? [])].map(({ Config }) => identityOf(Config.Labels)).find((found) => found !== undefined)
  const name = options.container ?? (identity === undefined ? undefined : containerNames(identity.workload)[0])
  const details = name === undefined ? undefined : members?.get(name)
  if (details === undefined) throw new StepError('NotFound', `there is no container ${name ?? ''} of ${instanceId} on this node`)
  if (!details.State.Running) throw new StepError('NotRunning', `the container ${name} of ${instanceId} does not run`)
  const { container: _container, ...rest } = options
  try {
    return await attachExec(connected.engine, { ...rest, containerId: details.Id, signal })
  } catch (error) {
    context.link.noteFailure(error)
    if (isEngineError(error) && (error.kind === 'notRunning' || error.status === 409)) throw new StepError('NotRunning', error.message)
    throw error
  }
}
