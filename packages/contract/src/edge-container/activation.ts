// The two operations by which newer clients activate edge containers (contract: esa-edge-container §12.1). An own
// installation is always active.
import Type from 'typebox'
import { operation } from '../operation.ts'

export const OpenEdgeContainer = operation({
  action: 'OpenEdgeContainer',
  summary: 'Activates edge containers, which is always refused here because they are active already.',
  access: 'create',
  input: Type.Object({}),
  output: Type.Object({}),
  errors: ['EdgeContainer.HasOpened', 'InternalError'],
  example: { input: {}, output: {} },
})

export const GetEdgeContainer = operation({
  action: 'GetEdgeContainer',
  summary: 'Returns whether edge containers are active, which they always are here.',
  access: 'get',
  input: Type.Object({}),
  output: Type.Object({
    BillingMode: Type.Literal('container_95', { description: 'The vendor’s present word for how use is metered; nothing is billed here.' }),
    InstanceId: Type.String({ description: 'Id of the account’s activation.' }),
    Status: Type.Literal('Running', { description: 'Always Running.' }),
  }),
  errors: ['InternalError'],
  example: { input: {}, output: { BillingMode: 'container_95', InstanceId: 'esa-1000000000000001', Status: 'Running' } },
})
