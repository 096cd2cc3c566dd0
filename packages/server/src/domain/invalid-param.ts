// The one way in which the rules of the IoT family refuse a value: iot.common.InvalidParam, naming the field.
import { Fault } from '@littoral/contract/errors'

export function invalidParam(field: string, rule: string): Fault {
  return new Fault('iot.common.InvalidParam', { Detail: `${field} ${rule}` })
}

/** The JSON in a parameter; throws iot.common.InvalidParam when it is none. */
export function parseJsonText(field: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw invalidParam(field, 'is not valid JSON.')
  }
}
