// Fresh identifiers: the one source of randomness that handlers and loops get, as `ids`.
import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import type { Ids } from './operations/context.ts'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** Identifiers from the operating system's random source. */
export const randomIds: Ids = {
  digits: (count) => Array.from({ length: count }, (_, place) => String(place === 0 ? randomInt(1, 10) : randomInt(10))).join(''),
  hex: (count) =>
    randomBytes(Math.ceil(count / 2))
      .toString('hex')
      .slice(0, count),
  uuid: () => randomUUID().toUpperCase(),
  letters: (count) => Array.from({ length: count }, () => alphabet[randomInt(alphabet.length)]).join(''),
}
