// What GetNode answers about a node: its disk, its workloads, what it keeps for a gateway, the devices behind its drivers.
import Type from 'typebox'
import { Phase } from '../node/report.ts'
import { Time } from './fields.ts'

export const Generation = (description: string) => Type.Integer({ minimum: 0, description })
const Bytes = (description: string) => Type.Integer({ minimum: 0, description })

export const Disk = Type.Object(
  {
    TotalBytes: Bytes('Size of the fullest disk that images or packages lie on.'),
    FreeBytes: Bytes('What is free of it.'),
    StockBytes: Bytes('What images and packages take that the agent brought to the node.'),
    BudgetBytes: Type.Optional(Bytes('What they may take, where the node was given a budget.')),
    IsShort: Type.Boolean({ description: 'Whether room is short and nothing is left that may be removed.' }),
    Removed: Type.Array(
      Type.Object({
        Name: Type.String({ description: 'The image or package.' }),
        SizeBytes: Bytes('What it took.'),
        RemovedAt: Time('When, by the clock of the node'),
      }),
      { description: 'What was removed last to make room, newest first.' },
    ),
    ReceivedAt: Time('When the node said so'),
  },
  { description: 'Its disk. Left out: the node has not spoken of it yet.' },
)

export const NodeWorkload = Type.Object({
  Key: Type.String({ description: 'app/<app>/<environment> or driver/<instance>/<driver>.' }),
  Desired: Type.Optional(
    Type.Object(
      {
        Version: Type.String({ description: 'The version the node should run.' }),
        Digest: Type.String({ description: 'Digest of everything the node was told about it.' }),
        Generation: Generation('The generation with which it was assigned.'),
        AssignedAt: Time('When it was assigned'),
      },
      { description: 'What the node should run. Left out: nothing any more.' },
    ),
  ),
  Reported: Type.Optional(
    Type.Object(
      {
        Version: Type.String({ description: 'The version that was observed.' }),
        Digest: Type.String({ description: 'The digest that was observed.' }),
        Phase: Type.Unsafe<Phase>({ ...Phase, description: 'How far it is: ready means that it runs and its probes pass.' }),
        Reason: Type.Optional(
          Type.Object(
            { Code: Type.String({ description: 'One word.' }), Message: Type.String({ description: 'The same for people.' }) },
            { description: 'Why it is in this phase.' },
          ),
        ),
        Progress: Type.Optional(
          Type.Object(
            {
              Subject: Type.String({ description: 'The container whose image it is, or the package.' }),
              Image: Type.Optional(Type.String({ description: 'The image.' })),
              LayersDone: Type.Optional(Type.Integer({ description: 'Layers that are here.' })),
              LayersTotal: Type.Optional(Type.Integer({ description: 'Layers of the image.' })),
              DoneBytes: Bytes('Bytes that are here.'),
              TotalBytes: Type.Optional(Bytes('Bytes in all; left out until all of them are known.')),
            },
            { description: 'What is being brought to the node right now.' },
          ),
        ),
        NextAttemptAt: Type.Optional(
          Time('When the node tries again what failed, by the clock of the server. RetryWorkload does not wait for it'),
        ),
        FailedAttempts: Type.Optional(Type.Integer({ description: 'How often in a row it has failed.' })),
        Restarts: Type.Integer({ description: 'How often it was started again.' }),
        Addresses: Type.Array(Type.String({ description: 'host:port.' }), { description: 'Where it can be reached.' }),
        ServingVersion: Type.Optional(Type.String({ description: 'The older version that still serves meanwhile.' })),
        Retreat: Type.Optional(
          Type.Object(
            {
              Version: Type.String({ description: 'The version it went back from.' }),
              Code: Type.String({ description: 'One word, such as ContactLost.' }),
              Message: Type.String({ description: 'The same for people.' }),
              At: Time('When, by the clock of the node'),
            },
            { description: 'The version that the node went back from by itself, until a version was confirmed again.' },
          ),
        ),
        ObservedAt: Time('When the node saw it'),
        ReceivedAt: Time('When the server heard of it'),
      },
      { description: 'What the node said last. Left out: it has not said anything yet.' },
    ),
  ),
  Usage: Type.Optional(
    Type.Object(
      {
        CpuMicros: Type.Integer({ description: 'Millionths of a processor in use, on average between two looks.' }),
        MemoryBytes: Bytes('Resident memory without the page cache.'),
        MemoryLimitBytes: Type.Optional(Bytes('The most it may have; left out where there is no limit.')),
        ReadBytesPerSecond: Bytes('Read from a disk.'),
        WrittenBytesPerSecond: Bytes('Written to a disk.'),
        ReceivedAt: Time('When the node said so'),
      },
      { description: 'What it used last, containers and driver processes alike. Left out: nothing of it was heard lately.' },
    ),
  ),
  IsCurrent: Type.Boolean({ description: 'Whether the report is about exactly the version and digest the node should run.' }),
})

export const NodeBinding = Type.Object({
  Kind: Type.Union([Type.Literal('application'), Type.Literal('message_route'), Type.Literal('scene_rule'), Type.Literal('role')], {
    description: 'application, message_route, scene_rule or role.',
  }),
  InstanceId: Type.String({ description: 'The edge instance it comes from.' }),
  Id: Type.String({ description: 'Its id there.' }),
  Name: Type.String({ description: 'Its name.' }),
  Content: Type.String({ description: 'What is set of it, as JSON text.' }),
  IsStored: Type.Boolean({ description: 'Whether the node has said that it has the newest of what it was told.' }),
})

export const NodeDevice = Type.Object({
  IotId: Type.String({ description: 'Id of the device.' }),
  ProductKey: Type.String({ description: 'Its product.' }),
  DeviceName: Type.String({ description: 'Its name.' }),
  DriverId: Type.String({ description: 'The driver it is behind.' }),
  IsOnline: Type.Boolean({ description: 'Whether its driver says that it is there, and the node is there to pass it on.' }),
  Since: Time('Since when'),
  Properties: Type.Array(
    Type.Object({
      Name: Type.String({ description: 'Identifier of the property.' }),
      Value: Type.String({ description: 'Its newest value, as JSON text.' }),
      At: Time('When the device said it'),
    }),
    { description: 'The newest value of up to 50 properties.' },
  ),
})
