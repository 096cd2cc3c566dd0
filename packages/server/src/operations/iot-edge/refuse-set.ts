// Parameters of the vendor that this installation has no use for are refused by name, never ignored.
import { invalidParam } from '../../domain/invalid-param.ts'

/** Throws iot.common.InvalidParam when one of them is set. */
export function refuseSet<In extends object>(input: In, names: readonly (keyof In & string)[]): void {
  const set = names.find((name) => input[name])
  if (set !== undefined) throw invalidParam(set, 'is not supported.')
}
