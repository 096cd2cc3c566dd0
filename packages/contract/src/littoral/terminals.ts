// A shell in any container of any node; the vendor's own call knows staging only.
import Type from 'typebox'
import { operation } from '../operation.ts'
import { place } from './logs.ts'

export const OpenTerminal = operation({
  action: 'OpenTerminal',
  summary: 'Hands out what opens one shell in a running container of any node, production included.',
  description:
    'Open the WebSocket `Path` of this server within a minute, once. docs/terminal.md describes its frames. Both the opening and the end are written into the audit trail.',
  access: 'update',
  input: Type.Object({
    ...place,
    Container: Type.Optional(
      Type.String({ minLength: 1, maxLength: 63, description: 'The container. Left out: the first one of the workload.' }),
    ),
  }),
  output: Type.Object({
    NodeId: Type.String({ description: 'The node.' }),
    Key: Type.String({ description: 'The workload.' }),
    InstanceId: Type.String({ description: 'The instance; the shell opens in this one or not at all.' }),
    Container: Type.String({ description: 'The container.' }),
    SessionId: Type.String({ description: 'Names the session.' }),
    Token: Type.String({ description: 'Opens it.' }),
    Path: Type.String({ description: 'Path and query on this server, the token included.' }),
    ExpiresAt: Type.String({ description: 'When it can no longer be opened; ISO 8601, UTC.' }),
  }),
  errors: [
    'Node.InvalidParameter',
    'Node.NotFound',
    'Stream.NodeRequired',
    'Stream.WorkloadNotFound',
    'Stream.NodeUnreachable',
    'Stream.TerminalsOff',
  ],
  secrets: ['Token', 'Path'],
  example: {
    input: { AppId: 'app-880688675783794688', Environment: 'prod', Container: 'web' },
    output: {
      NodeId: 'node-5f3a9c0b7e21d846',
      Key: 'app/app-880688675783794688/prod',
      InstanceId: 'app-880688675783794688-prod-1f9c02ab',
      Container: 'web',
      SessionId: 'f0c1d2e3a4b5c6d7',
      Token: 'lst_7QmZ2vXcR0sKpTtB4eWn9yHdLg6uJfA1iOxC8PzS',
      Path: '/terminal?SessionId=f0c1d2e3a4b5c6d7&Token=lst_7QmZ2vXcR0sKpTtB4eWn9yHdLg6uJfA1iOxC8PzS',
      ExpiresAt: '2026-12-01T10:01:00Z',
    },
  },
})
