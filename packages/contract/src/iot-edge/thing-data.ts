// What devices report through their drivers: whether they are online, properties, events. Names and types are those of the
// vendor's SDK.
import Type, { type TObject } from 'typebox'
import { Code, edgeOperation, IotInstanceId } from './fields.ts'
import { deviceFields, text } from './product-fields.ts'

const TimeText = (what: string) => Type.String({ description: `${what}, in milliseconds since 1970, as text.` })
const Identifier = (what: string) => Type.String({ description: `Identifier of the ${what}.` })

const windowFields = {
  ...deviceFields,
  StartTime: Type.Integer({
    minimum: 0,
    description: 'One end of the window, in milliseconds since 1970. The two ends may be in any order.',
  }),
  EndTime: Type.Integer({ minimum: 0, description: 'The other end of the window.' }),
  Asc: Type.Optional(Code([0, 1], '1 oldest first, 0 newest first. Default 0.')),
  PageSize: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: 'Entries per answer, 1 to 100. Default 10.' })),
}

/** One page of a list of the vendor's shape, with where the next one begins. */
const page = <Item extends TObject>(name: string, item: Item) =>
  Type.Object(
    {
      List: Type.Object(
        { [name]: Type.Array(item, { description: 'The entries of this page.' }) },
        { description: 'The list, in a wrapper.' },
      ),
      NextTime: Type.Optional(Type.Integer({ description: 'Where the next page begins: StartTime of the next call.' })),
      NextValid: Type.Boolean({ description: 'Whether there is a next page.' }),
    },
    { description: 'One page.' },
  )

export const QueryDevicePropertyStatus = edgeOperation({
  action: 'QueryDevicePropertyStatus',
  summary: 'Returns the newest value of each property of a device.',
  access: 'get',
  input: Type.Object({
    ...deviceFields,
    FunctionBlockId: text('Module of the thing model. Only the default one exists: leave it out.'),
    IotInstanceId,
  }),
  output: Type.Object({
    Data: Type.Object(
      {
        List: Type.Object(
          {
            PropertyStatusInfo: Type.Array(
              Type.Object({
                Identifier: Identifier('property'),
                Name: Type.Optional(Type.String({ description: 'Its name for people; the identifier, as thing models are not read.' })),
                DataType: Type.Optional(Type.String({ description: 'By its value: double, bool, text, struct or array.' })),
                Unit: Type.Optional(Type.String({ description: 'Never set, as thing models are not read.' })),
                Value: Type.String({ description: 'The value as text; lists and structures as JSON.' }),
                Time: TimeText('When the device said it'),
              }),
              { description: 'The properties, by identifier.' },
            ),
          },
          { description: 'The list, in a wrapper.' },
        ),
      },
      { description: 'The properties.' },
    ),
  }),
  errors: ['iot.device.NotExistedDevice'],
  example: {
    input: { ProductKey: 'a1mAdeG0002', DeviceName: 'sensor_01' },
    output: {
      Data: {
        List: {
          PropertyStatusInfo: [
            { Identifier: 'temperature', Name: 'temperature', DataType: 'double', Value: '21.5', Time: '1795334400000' },
          ],
        },
      },
    },
  },
})

export const QueryDevicePropertyData = edgeOperation({
  action: 'QueryDevicePropertyData',
  summary: 'Pages through what a property of a device was within a window of time.',
  description: 'Values are kept for seven days. Of values that follow each other within a second the last one is kept.',
  access: 'list',
  input: Type.Object({ ...windowFields, Identifier: Identifier('property'), IotInstanceId }),
  output: Type.Object({
    Data: page(
      'PropertyInfo',
      Type.Object({ Time: TimeText('When the device said it'), Value: Type.String({ description: 'The value as text.' }) }),
    ),
  }),
  errors: ['iot.device.NotExistedDevice'],
  example: {
    input: {
      ProductKey: 'a1mAdeG0002',
      DeviceName: 'sensor_01',
      Identifier: 'temperature',
      StartTime: 1795330800000,
      EndTime: 1795334400000,
    },
    output: { Data: { List: { PropertyInfo: [{ Time: '1795334400000', Value: '21.5' }] }, NextValid: false } },
  },
})

export const QueryDeviceEventData = edgeOperation({
  action: 'QueryDeviceEventData',
  summary: 'Pages through the events of a device within a window of time.',
  description: 'Events are kept for seven days.',
  access: 'list',
  input: Type.Object({
    ...windowFields,
    Identifier: Type.Optional(Type.String({ description: 'Only events of this identifier.' })),
    EventType: text('Kind of events. Kinds belong to thing models, which are not read: refused when set.'),
    IotInstanceId,
  }),
  output: Type.Object({
    Data: page(
      'EventInfo',
      Type.Object({
        Identifier: Identifier('event'),
        Name: Type.Optional(Type.String({ description: 'Its name for people; the identifier, as thing models are not read.' })),
        EventType: Type.Optional(Type.String({ description: 'Never set, as thing models are not read.' })),
        OutputData: Type.String({ description: 'What the event carried, as JSON text.' }),
        Time: TimeText('When the device said it'),
      }),
    ),
  }),
  errors: ['iot.device.NotExistedDevice'],
  example: {
    input: { ProductKey: 'a1mAdeG0002', DeviceName: 'sensor_01', StartTime: 1795330800000, EndTime: 1795334400000, Asc: 1, PageSize: 10 },
    output: {
      Data: {
        List: { EventInfo: [{ Identifier: 'overheated', Name: 'overheated', OutputData: '{"at":41}', Time: '1795334400000' }] },
        NextValid: false,
      },
    },
  },
})

export const GetDeviceStatus = edgeOperation({
  action: 'GetDeviceStatus',
  summary: 'Returns whether a device is online.',
  access: 'get',
  input: Type.Object({ ...deviceFields, IotInstanceId }),
  output: Type.Object({
    Data: Type.Object(
      {
        Status: Type.String({ description: 'UNACTIVE: never connected. ONLINE or OFFLINE afterwards.' }),
        Timestamp: Type.Optional(Type.Integer({ description: 'Since when, in milliseconds since 1970.' })),
      },
      { description: 'The state.' },
    ),
  }),
  errors: ['iot.device.NotExistedDevice'],
  example: {
    input: { ProductKey: 'a1mAdeG0002', DeviceName: 'sensor_01' },
    output: { Data: { Status: 'ONLINE', Timestamp: 1795334400000 } },
  },
})
