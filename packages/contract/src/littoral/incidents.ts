// Incidents: what nodes kept of workloads that failed or were rolled back.
import Type from 'typebox'
import { operation } from '../operation.ts'
import { Time } from './fields.ts'

const Bytes = (description: string) => Type.Integer({ minimum: 0, description })
const Text = (description: string) => Type.String({ description })

const incidentFields = {
  IncidentId: Text('Names the incident.'),
  NodeId: Text('The node it happened on.'),
  Key: Text('The workload, as GetNode names it.'),
  Version: Text('The version that failed.'),
  Digest: Text('Digest of everything the node was told about it.'),
  Kind: Type.Enum(['failed', 'rolledBack'], {
    description: 'failed: it exited, lost its readiness or could not be run · rolledBack: another version took its place before it worked.',
  }),
  Code: Text('Why, in one word, such as OutOfMemory or ProbeFailed.'),
  Message: Text('The same for people.'),
  HappenedAt: Time('When it happened, by the clock of the node'),
  ReceivedAt: Time('When the server got it'),
}

const exampleIncident = {
  IncidentId: 'incident-5f3a9c0b7e21d846',
  NodeId: 'node-0f2c4ad8b5e19c37',
  Key: 'app/app-880688675783794688/prod',
  Version: 'ver-880688675783794689',
  Digest: '9b2c7ad0',
  Kind: 'failed' as const,
  Code: 'OutOfMemory',
  Message: 'web: killed because it used more memory than its limit',
  HappenedAt: '2026-12-01T09:00:00Z',
  ReceivedAt: '2026-12-01T09:00:04Z',
}

export const ListIncidents = operation({
  action: 'ListIncidents',
  summary: 'Lists the incidents of the account, newest first.',
  description:
    'A node keeps the evidence of a failure in a file and hands it over when it has a connection. The server keeps the newest 50 of each node, for 30 days.',
  access: 'list',
  input: Type.Object({
    NodeId: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'Only those of this node.' })),
    Key: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'Only those of this workload, as GetNode names it.' })),
    PageNumber: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000, default: 1, description: 'Default: 1.' })),
    PageSize: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20, description: 'Default: 20.' })),
  }),
  output: Type.Object({
    TotalCount: Type.Integer({ description: 'How many incidents there are.' }),
    PageNumber: Type.Integer({ description: 'The page that was asked for.' }),
    PageSize: Type.Integer({ description: 'Incidents per page.' }),
    Incidents: Type.Array(Type.Object(incidentFields), { description: 'The incidents of this page.' }),
  }),
  errors: ['Node.InvalidParameter'],
  example: {
    input: { PageNumber: 1, PageSize: 20 },
    output: { TotalCount: 1, PageNumber: 1, PageSize: 20, Incidents: [exampleIncident] },
  },
})

const Peaks = Type.Object(
  {
    MemoryBytes: Bytes('Memory.'),
    MemoryLimitBytes: Type.Optional(Bytes('What it may use.')),
    CpuMicros: Type.Optional(Bytes('Millionths of a processor.')),
    CpuLimitMicros: Type.Optional(Bytes('What it may use.')),
    Processes: Type.Optional(Type.Integer({ description: 'Processes and threads.' })),
    WrittenBytes: Bytes('Written to disk since the start.'),
  },
  { description: 'The most that was seen; what lasts less than a few seconds can be missed.' },
)

const IncidentContainer = Type.Object({
  Name: Text('The container; driver for a driver.'),
  State: Type.Enum(['waiting', 'running', 'exited'], { description: 'What it was doing.' }),
  Restarts: Type.Integer({ description: 'How often it was started again.' }),
  ExitCode: Type.Optional(Type.Integer({ description: 'With what it ended.' })),
  IsOutOfMemory: Type.Optional(Type.Boolean({ description: 'Whether the kernel ended it because it used more memory than its limit.' })),
  Image: Type.Optional(Text('Its image.')),
  ImageDigest: Type.Optional(Text('What really ran.')),
  StartedAt: Type.Optional(Time('When it was started')),
  ExitedAt: Type.Optional(Time('When it ended')),
  Peaks: Type.Optional(Peaks),
  Probes: Type.Array(
    Type.Object({
      At: Time('When it began'),
      TookMs: Type.Integer({ description: 'How long it took.' }),
      IsSuccess: Type.Boolean({ description: 'Whether it passed.' }),
      Output: Text('What it said.'),
    }),
    { description: 'The last results of its probe, oldest first.' },
  ),
  Lines: Type.Array(Text('A line.'), { description: 'The last lines it wrote, oldest first.' }),
})

export const GetIncident = operation({
  action: 'GetIncident',
  summary: 'Returns everything a node kept of an incident.',
  description:
    'Values of environment variables are never in it: where one appears in a line or a message, the name of the variable stands in its place, in brackets. Headers of probes and configurations of drivers are compared by digest only.',
  access: 'get',
  input: Type.Object({ IncidentId: Type.String({ minLength: 1, maxLength: 64, description: 'The incident, as ListIncidents names it.' }) }),
  output: Type.Object({
    Incident: Type.Object(incidentFields, { description: 'The incident.' }),
    InstanceId: Type.Optional(Text('The instance, where there was one.')),
    Restarts: Type.Integer({ description: 'How often its containers were started again.' }),
    Containers: Type.Array(IncidentContainer, { description: 'Its containers.' }),
    Attempts: Type.Array(
      Type.Object({
        Step: Text('What was tried, such as prepare.'),
        Failures: Type.Integer({ description: 'How often in a row it failed.' }),
        Code: Text('Why, in one word.'),
        Message: Text('The same for people.'),
        FailedAt: Time('When it failed last'),
      }),
      { description: 'What was tried in vain.' },
    ),
    PreviousVersion: Type.Optional(Text('The version that ran there before.')),
    Changes: Type.Array(
      Type.Object({
        Path: Text('The place, such as containers.web.image.'),
        Before: Type.Optional(Text('What stood there before. Left out: nothing.')),
        After: Type.Optional(Text('What stands there now. Left out: nothing.')),
      }),
      { description: 'Where the version differs from the one before.' },
    ),
    IsCut: Type.Boolean({ description: 'Whether something was left out to keep within the bounds.' }),
  }),
  errors: ['Incident.NotFound', 'Node.InvalidParameter'],
  example: {
    input: { IncidentId: 'incident-5f3a9c0b7e21d846' },
    output: {
      Incident: exampleIncident,
      InstanceId: 'app-880688675783794688-prod-1f9c02ab',
      Restarts: 0,
      Containers: [
        {
          Name: 'web',
          State: 'exited',
          Restarts: 0,
          ExitCode: 137,
          IsOutOfMemory: true,
          Image: 'registry.example/shop/web:2',
          StartedAt: '2026-12-01T08:59:12Z',
          ExitedAt: '2026-12-01T09:00:00Z',
          Peaks: { MemoryBytes: 536_870_912, MemoryLimitBytes: 536_870_912, CpuMicros: 940_000, Processes: 14, WrittenBytes: 0 },
          Probes: [{ At: '2026-12-01T08:59:50Z', TookMs: 12, IsSuccess: true, Output: '' }],
          Lines: ['loading the catalogue'],
        },
      ],
      Attempts: [],
      PreviousVersion: 'ver-880688675783794680',
      Changes: [{ Path: 'containers.web.image', Before: 'registry.example/shop/web:1', After: 'registry.example/shop/web:2' }],
      IsCut: false,
    },
  },
})
