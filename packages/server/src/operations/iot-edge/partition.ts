// IotInstanceId picks a partition of the vendor's platform. Here there is the default one, which has no id: whoever sends
// one means another place and is told so. Wrapped around every handler of the family in index.ts.
import { Fault } from '@littoral/contract/errors'
import type { Context } from '../context.ts'

type AnyHandlers = Readonly<Record<string, (input: never, ctx: Context) => Promise<unknown>>>

/** The same handlers; they throw iot.system.InstanceNotFound when the input names a partition. */
export function inDefaultPartition<H extends AnyHandlers>(handlers: H): H {
  const checked = Object.entries(handlers).map(([action, handle]) => [
    action,
    async (input: never, ctx: Context) => {
      const { IotInstanceId } = input as { IotInstanceId?: string }
      if (IotInstanceId) throw new Fault('iot.system.InstanceNotFound', { IotInstanceId })
      return handle(input, ctx)
    },
  ])
  return Object.fromEntries(checked) as H
}
