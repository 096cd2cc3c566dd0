// Fresh identifiers: the one source of randomness that handlers and loops get, as `ids`.
import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import type { Ids } from './operations/context.ts'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** So many identifiers have a number of their own within a millisecond; where the first of them starts is random. */
const perMs = 100_000
let made = randomInt(perMs)

/** Identifiers from the operating system's random source. */
export const randomIds: Ids = {
  digits(count) {
    let text = String(randomInt(1, 10))
    while (text.length < count) text += String(randomInt(10))
    return text
  },
  growing: (nowMs) => String(nowMs).padStart(13, '0') + String((made = (made + 1) % perMs)).padStart(5, '0'),
  hex: (count) =>
    randomBytes(Math.ceil(count / 2))
      .toString('hex')
      .slice(0, count),
  uuid: () => randomUUID().toUpperCase(),
  letters: (count) => Array.from({ length: count }, () => alphabet[randomInt(alphabet.length)]).join(''),
}
