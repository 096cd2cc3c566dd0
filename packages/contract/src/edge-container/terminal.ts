// A shell in the container of staging (contract: esa-edge-container §7, §12.7).
import Type from 'typebox'
import { operation } from '../operation.ts'
import { AppId } from './fields.ts'

export const GetEdgeContainerTerminal = operation({
  action: 'GetEdgeContainerTerminal',
  summary: 'Hands out what opens one shell in the first container of the running staging instance.',
  description:
    'Open the WebSocket `/terminal?SessionId=…&Token=…` of this server within a minute; the token works once. docs/terminal.md describes its frames. Without a running instance, while its node is away, and where the operator switched terminals off, the call is refused.',
  access: 'get',
  input: Type.Object({ AppId }),
  output: Type.Object({
    Cluster: Type.String({ description: 'The installation.' }),
    Container: Type.String({ description: 'Name of the container.' }),
    Namespace: Type.String({ description: 'The account.' }),
    Pod: Type.String({ description: 'Name of the instance.' }),
    SessionId: Type.String({ description: 'Names the session.' }),
    Token: Type.String({ description: 'Opens the session: once, within a minute.' }),
  }),
  errors: ['InvalidParameter.appid', 'InvalidParameter', 'InvalidApp.NotFound', 'InternalError'],
  secrets: ['Token'],
  example: {
    input: { AppId: 'app-880688675783794688' },
    output: {
      Cluster: 'littoral',
      Container: 'web',
      Namespace: 'account-1005416787654321',
      Pod: 'app-880688675783794688-staging-1f9c02ab',
      SessionId: 'f0c1d2e3a4b5c6d7',
      Token: 'lst_7QmZ2vXcR0sKpTtB4eWn9yHdLg6uJfA1iOxC8PzS',
    },
  },
})
