// Calls of devices through their drivers. Names and types are those of the vendor's SDK. Here both wait for the driver's answer.
import Type from 'typebox'
import { edgeOperation, IotInstanceId, JsonText } from './fields.ts'
import { deviceFields } from './product-fields.ts'

const MessageId = Type.String({ description: 'Id of the call, for the log.' })
const errors = ['iot.device.NotExistedDevice', 'iot.device.DeviceOffline', 'iot.device.CallTimeout', 'iot.device.CallFailed'] as const
const JsonObject = Type.Object({}, { additionalProperties: true })
/** Characters that a gateway takes at once (contract: node/stream). */
const longestText = 65_536

const invokeThing = edgeOperation({
  action: 'InvokeThingService',
  summary: 'Calls a service of a device behind a gateway and returns what its driver answered.',
  access: 'update',
  input: Type.Object({
    ...deviceFields,
    Identifier: Type.String({
      minLength: 1,
      maxLength: 64,
      description: 'Identifier of the service. get and set mean its properties and are refused; use SetDeviceProperty.',
    }),
    Args: {
      ...JsonText(JsonObject, 'Arguments of the service as a JSON object of up to 65536 characters; {} when it takes none.'),
      maxLength: longestText,
    },
    IotInstanceId,
  }),
  output: Type.Object({
    Data: Type.Object(
      { MessageId, Result: Type.String({ description: 'What the service answered, as JSON text.' }) },
      { description: 'The answer.' },
    ),
  }),
  errors,
  example: {
    input: { ProductKey: 'a1mAdeG0002', DeviceName: 'sensor_01', Identifier: 'calibrate', Args: '{"offset":0.5}' },
    output: { Data: { MessageId: 'abcabcabc1234567890', Result: '{"isDone":true}' } },
  },
})
// The house allows no such word in a name of ours; this one is the vendor's.
export { invokeThing as InvokeThingService }

export const SetDeviceProperty = edgeOperation({
  action: 'SetDeviceProperty',
  summary: 'Sets properties of a device behind a gateway through its driver.',
  description: 'It is done when the call has succeeded. The new values are reported by the driver as any others are.',
  access: 'update',
  input: Type.Object({
    ...deviceFields,
    Items: { ...JsonText(JsonObject, 'New values by property, as a JSON object of up to 65536 characters.'), maxLength: longestText },
    IotInstanceId,
  }),
  output: Type.Object({ Data: Type.Object({ MessageId }, { description: 'The call.' }) }),
  errors,
  example: {
    input: { ProductKey: 'a1mAdeG0002', DeviceName: 'sensor_01', Items: '{"interval":10}' },
    output: { Data: { MessageId: 'abcabcabc1234567890' } },
  },
})
