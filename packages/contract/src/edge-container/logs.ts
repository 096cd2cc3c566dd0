// Reading what the containers of staging wrote (contract: esa-edge-container §6.4, §7).
import Type from 'typebox'
import { operation } from '../operation.ts'
import { AppId } from './fields.ts'

export const GetEdgeContainerLogs = operation({
  action: 'GetEdgeContainerLogs',
  summary: 'Returns the last lines that the staging instance wrote, oldest first.',
  description:
    'Without an instance the list is empty. A node that cannot be asked is an error, so that silence is never taken for no output: ' +
    'status 500, which is worth another try, and InvalidParameter once the node has been away for a minute.',
  access: 'get',
  input: Type.Object({
    AppId,
    Lines: Type.Integer({ minimum: 1, maximum: 5000, description: 'How many lines, 1 to 5000; more is an error.' }),
  }),
  output: Type.Object({ Items: Type.Array(Type.String(), { description: 'The lines.' }) }),
  errors: ['InvalidParameter.appid', 'InvalidParameter', 'InvalidApp.NotFound', 'StagingUnreachable', 'InternalError'],
  example: { input: { AppId: 'app-880688675783794688', Lines: 500 }, output: { Items: ['ready on port 3000', 'GET /healthz 200'] } },
})
