// What is sealed to a node's key opens with that key, for that purpose, and otherwise not at all.
import { expect, it } from 'vitest'
import { isSealKeyPair, newSealKey, openSealed, sealTo } from './sealed.ts'

const pair = newSealKey()

it('opens for who has the private half, and looks different every time', () => {
  const [one, other] = [sealTo(pair.publicKey, 'pässword', 'login'), sealTo(pair.publicKey, 'pässword', 'login')]
  expect(one).not.toBe(other)
  expect(Buffer.from(one.slice(3), 'base64url').toString('latin1')).not.toContain('ssword')
  for (const sealed of [one, other]) expect(openSealed(pair, sealed, 'login')).toBe('pässword')
})

it('opens neither for another key nor for another purpose, and never when a byte was changed', () => {
  const sealed = sealTo(pair.publicKey, 'password', 'login')
  expect(() => openSealed(newSealKey(), sealed, 'login')).toThrow('another key')
  expect(() => openSealed(pair, sealed, 'logout')).toThrow('another key')
  const bytes = Buffer.from(sealed.slice(3), 'base64url')
  for (const at of [0, 31, 32, 44, bytes.length - 1]) {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] ?? 0) ^ 1
    expect(() => openSealed(pair, `s1.${changed.toString('base64url')}`, 'login')).toThrow(/another key|sealed/)
  }
  expect(() => openSealed(pair, 's1.AAAA', 'login')).toThrow('not a sealed text')
  expect(() => openSealed(pair, sealed.slice(3), 'login')).toThrow('not a sealed text')
})

it('a key whose halves do not belong together is none', () => {
  expect(isSealKeyPair(pair)).toBe(true)
  expect(isSealKeyPair({ ...pair, publicKey: newSealKey().publicKey })).toBe(false)
  expect(isSealKeyPair({ publicKey: '', privateKey: 'x' })).toBe(false)
})
