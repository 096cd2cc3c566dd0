// Logs of any node, workload and time, whole or followed.
import Type from 'typebox'
import { operation } from '../operation.ts'

/** Where a stream comes from; shared with terminals.ts. */
export const place = {
  NodeId: Type.Optional(
    Type.String({ minLength: 1, maxLength: 64, description: 'The node. May be left out where only one node has the workload.' }),
  ),
  Key: Type.Optional(
    Type.String({ minLength: 1, maxLength: 200, description: 'The workload, as GetNode names it. Instead of it: AppId and Environment.' }),
  ),
  AppId: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'The app; together with Environment.' })),
  Environment: Type.Optional(
    Type.Union([Type.Literal('prod'), Type.Literal('staging')], { description: 'Default where AppId is given: prod.' }),
  ),
}

const where = {
  ...place,
  Container: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 63,
      description: 'Only this container. Left out: all, each line then begins with its container.',
    }),
  ),
  SinceTime: Type.Optional(
    Type.String({
      maxLength: 32,
      pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,3})?Z$',
      description: 'Only lines written at this time or later, such as 2026-12-01T10:00:00Z. Not for driver processes.',
    }),
  ),
}

const errors = [
  'Node.InvalidParameter',
  'Node.NotFound',
  'Stream.NodeRequired',
  'Stream.WorkloadNotFound',
  'Stream.NodeUnreachable',
] as const

export const ReadLogs = operation({
  action: 'ReadLogs',
  summary: 'Returns the last lines that a workload wrote on a node, oldest first.',
  access: 'get',
  input: Type.Object({
    ...where,
    TailLines: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 5000, default: 100, description: 'How many lines, 1 to 5000. Default: 100.' }),
    ),
  }),
  output: Type.Object({
    NodeId: Type.String({ description: 'The node that was asked.' }),
    Key: Type.String({ description: 'The workload.' }),
    Lines: Type.Array(Type.String(), { description: 'The lines.' }),
  }),
  errors,
  example: {
    input: { AppId: 'app-880688675783794688', Environment: 'prod', TailLines: 2 },
    output: { NodeId: 'node-5f3a9c0b7e21d846', Key: 'app/app-880688675783794688/prod', Lines: ['ready on port 3000', 'GET / 200'] },
  },
})

export const OpenLogStream = operation({
  action: 'OpenLogStream',
  summary: 'Hands out an address at which the lines of a workload are followed, as they are written.',
  description:
    'Read `Path` of this server with a plain GET or as a WebSocket, once, within a minute. docs/terminal.md says how such a stream ends.',
  access: 'get',
  input: Type.Object({
    ...where,
    TailLines: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 5000, default: 10, description: 'How many lines from before, 0 to 5000. Default: 10.' }),
    ),
  }),
  output: Type.Object({
    NodeId: Type.String({ description: 'The node that is asked.' }),
    Key: Type.String({ description: 'The workload.' }),
    StreamId: Type.String({ description: 'Names the stream.' }),
    Token: Type.String({ description: 'Opens it.' }),
    Path: Type.String({ description: 'Path and query on this server, the token included.' }),
    ExpiresAt: Type.String({ description: 'When it can no longer be opened; ISO 8601, UTC.' }),
  }),
  errors,
  secrets: ['Token', 'Path'],
  example: {
    input: { Key: 'app/app-880688675783794688/prod', NodeId: 'node-5f3a9c0b7e21d846', TailLines: 10 },
    output: {
      NodeId: 'node-5f3a9c0b7e21d846',
      Key: 'app/app-880688675783794688/prod',
      StreamId: 'f0c1d2e3a4b5c6d7',
      Token: 'lst_7QmZ2vXcR0sKpTtB4eWn9yHdLg6uJfA1iOxC8PzS',
      Path: '/logs/follow?StreamId=f0c1d2e3a4b5c6d7&Token=lst_7QmZ2vXcR0sKpTtB4eWn9yHdLg6uJfA1iOxC8PzS',
      ExpiresAt: '2026-12-01T10:01:00Z',
    },
  },
})
