// Fields that products and devices of the registry share.
import Type from 'typebox'

export const ProductKey = Type.String({ minLength: 1, description: 'Key of the product: 11 letters and digits.' })
export const text = (description: string, maxLength = 256) => Type.Optional(Type.String({ maxLength, description }))
export const unsupported = (what: string) => Type.Optional(Type.String({ description: `${what} Not supported: refused when set.` }))

/** How a call names a device. */
export const deviceFields = {
  IotId: Type.Optional(Type.String({ description: 'Id of the device. Goes before ProductKey and DeviceName.' })),
  ProductKey: Type.Optional(ProductKey),
  DeviceName: Type.Optional(Type.String({ description: 'Name of the device; needed without IotId.' })),
}
