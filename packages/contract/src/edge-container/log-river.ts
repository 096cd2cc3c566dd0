// Reading and changing what is collected from the containers of an application (contract: esa-edge-container §6.4).
import Type from 'typebox'
import { operation } from '../operation.ts'
import { AppId } from './fields.ts'

const settings = {
  Path: Type.String({ description: 'Log files inside the containers, or empty.' }),
  Stdout: Type.Boolean({ description: 'Whether standard output is collected.' }),
}
const errors = ['InvalidParameter.appid', 'InvalidParameter', 'InvalidApp.NotFound', 'InternalError'] as const
const example = { Path: '/app/logs/*.log', Stdout: true }

export const GetEdgeContainerAppLogRiver = operation({
  action: 'GetEdgeContainerAppLogRiver',
  summary: 'Returns what is to be collected from the containers of an application.',
  access: 'get',
  input: Type.Object({ AppId }),
  output: Type.Object(settings),
  errors: [...errors],
  example: { input: { AppId: 'app-880688675783794688' }, output: example },
})

export const UpdateEdgeContainerAppLogRiver = operation({
  action: 'UpdateEdgeContainerAppLogRiver',
  summary: 'Changes what is to be collected from the containers of an application.',
  description:
    'What is left out stays as it is. The answer says what is in force now. Nodes follow at once and restart nothing; the operator says ' +
    'where what they collect goes.',
  access: 'update',
  input: Type.Object({
    AppId,
    Path: Type.Optional(
      Type.String({
        maxLength: 1024,
        description: 'Log files inside the containers: an absolute path, which may hold * and ?. Empty for none.',
      }),
    ),
    Stdout: Type.Optional(Type.Boolean({ description: 'Whether to collect standard output.' })),
  }),
  output: Type.Object(settings),
  errors: [...errors],
  example: { input: { AppId: 'app-880688675783794688', ...example }, output: example },
})
