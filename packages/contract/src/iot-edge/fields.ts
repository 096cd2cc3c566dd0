// Fields that several operations of the family share, and edgeOperation(), which declares one of them.
// Identifiers are opaque: their shape is never checked, an unknown one is answered with "does not exist".
import Type, { type TObject, type TSchema } from 'typebox'
import type { FaultName } from '../errors.ts'
import { operation, type Operation } from '../operation.ts'

/** A string out of a few; the schema keeps `type`, so that form fields are decoded and messages name the values. */
export function Choice<const V extends string>(values: readonly V[], description: string) {
  return Type.Unsafe<V>(Type.String({ enum: [...values], description }))
}

/** An integer out of a few. */
export function Code<const V extends number>(values: readonly V[], description: string) {
  return Type.Unsafe<V>(Type.Integer({ enum: [...values], description }))
}

/** A string parameter that holds JSON of this shape; an empty string counts as left out. */
export function JsonText<S extends TSchema>(contentSchema: S, description: string) {
  return Type.String({ contentMediaType: 'application/json', contentSchema, description })
}

export const IotInstanceId = Type.Optional(
  Type.String({ description: 'Service instance. Leave it out: this installation serves the default one only.' }),
)
export const DriverId = Type.String({ minLength: 1, description: 'Id of the driver: 32 lowercase hexadecimal digits.' })
export const InstanceId = Type.String({ minLength: 1, description: 'Id of the edge instance: 20 letters and digits.' })

/** Ids of up to so many things. The length of the list has a code of its own. */
export function IdList(maxItems: number, what: string) {
  const id = Type.String({ minLength: 1, description: `Id of a ${what}.` })
  return Type.Array(id, {
    minItems: 1,
    maxItems,
    fault: 'iot.common.ParameterSizeLimit',
    description: `Ids of up to ${maxItems} ${what}s.`,
  })
}

/** Letters, digits, `_ - .` and Chinese characters: the wider of the two documented sets (contract: iot-edge §11). */
export const versionPattern = '^[A-Za-z0-9_.\\-\\u4e00-\\u9fa5]{1,64}$'

/** Paging parameters; values below 1 and above 30 are put right, not refused (domain/page.ts). */
export const paging = {
  CurrentPage: Type.Integer({
    fault: 'iot.common.InvalidPageParams',
    description: 'Page number, counted from 1. Anything lower acts as 1.',
  }),
  PageSize: Type.Integer({
    fault: 'iot.common.InvalidPageParams',
    description: 'Entries per page, 1 to 30. Anything lower acts as 10, anything higher as 30.',
  }),
}

export const pageOutput = {
  CurrentPage: Type.Integer({ description: 'Page number that was used.' }),
  PageSize: Type.Integer({ description: 'Page size that was used.' }),
  Total: Type.Integer({ description: 'Number of matches on all pages.' }),
}

export const Timestamp = (description: string) => Type.Integer({ description: `${description}, in milliseconds since 1970.` })
export const LocalTime = (description: string) => Type.String({ description: `${description}, as yyyy-MM-dd HH:mm:ss in UTC+8.` })

/** What any operation of the family may answer. */
export const everyError = [
  'Missing',
  'iot.common.InvalidParam',
  'iot.common.AuthActionPermissionDeny',
  'iot.system.InstanceNotFound',
] as const satisfies readonly FaultName[]

/** Declares an operation of this family: lower-camel spellings of its parameters are accepted, as in the vendor's samples. */
export function edgeOperation<const In extends TObject, const Out extends TObject>(declared: Operation<In, Out>): Operation<In, Out> {
  const lowerCamel = Object.keys(declared.input.properties).map((name) => [name.charAt(0).toLowerCase() + name.slice(1), name])
  return operation({
    ...declared,
    errors: [...everyError, ...declared.errors],
    aliases: { ...Object.fromEntries(lowerCamel), ...declared.aliases },
  })
}
