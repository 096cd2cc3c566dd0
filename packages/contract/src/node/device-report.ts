// What the devices behind a gateway's drivers said, on its way from the node to the server.
import Type, { type Static } from 'typebox'

const Text = (maxLength: number) => Type.String({ maxLength })
const Time = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })

export const DeviceRef = Type.Object({ productKey: Text(64), deviceName: Text(64) })
export type DeviceRef = Static<typeof DeviceRef>

/** A property, or an event with its output; the value is JSON text. */
export const DeviceValue = Type.Object({ name: Text(64), value: Text(8192), atMs: Time })
export type DeviceValue = Static<typeof DeviceValue>

export const DeviceNews = Type.Object({
  ...DeviceRef.properties,
  driverId: Text(64),
  /** Absent: as before. */
  state: Type.Optional(Type.Object({ isOnline: Type.Boolean(), sinceMs: Time })),
  /** Newest values of properties that changed or were said again. */
  properties: Type.Array(DeviceValue, { maxItems: 200 }),
  /** Oldest first. */
  events: Type.Array(DeviceValue, { maxItems: 100 }),
})
export type DeviceNews = Static<typeof DeviceNews>

export const DeviceReport = Type.Object({
  /** Given back when it is stored; the next one is sent then. */
  seq: Type.Integer({ minimum: 1 }),
  /** With the first one of a connection: all devices that are online; what is not named is not. */
  online: Type.Optional(Type.Array(DeviceRef, { maxItems: 5000 })),
  devices: Type.Array(DeviceNews, { maxItems: 200 }),
})
export type DeviceReport = Static<typeof DeviceReport>
