// Operations by which newer clients activate edge containers: they always are (contract: esa-edge-container §12.1).
import type { operations } from '@littoral/contract/edge-container/index'
import { Fault } from '@littoral/contract/errors'
import type { Handlers } from '@littoral/contract/operation'
import type { Context } from '../context.ts'

export const activationHandlers: Handlers<Pick<typeof operations, 'OpenEdgeContainer' | 'GetEdgeContainer'>, Context> = {
  async OpenEdgeContainer() {
    throw new Fault('EdgeContainer.HasOpened')
  },

  async GetEdgeContainer(_input, { principal }) {
    return { BillingMode: 'container_95', InstanceId: `esa-${principal.accountId}`, Status: 'Running' }
  },
}
