// A set of 52-bit numbers in 8 bytes each, for nonces: a Set of their texts would take some hundred bytes per request
// for a quarter of an hour.

const firstSize = 64

export class FingerprintSet {
  #slots = new Float64Array(firstSize)
  #size = 0

  get size(): number {
    return this.#size
  }

  has(fingerprint: number): boolean {
    return this.#slots[this.#slotOf(fingerprint)] === fingerprint
  }

  /** `fingerprint` is a positive integer below 2^53. */
  add(fingerprint: number): void {
    const slot = this.#slotOf(fingerprint)
    if (this.#slots[slot] === fingerprint) return
    this.#slots[slot] = fingerprint
    this.#size += 1
    if (this.#size * 2 > this.#slots.length) this.#grow()
  }

  /** Where it is, or the free place where it belongs. There always is one, as the table is at most half full. */
  #slotOf(fingerprint: number): number {
    const mask = this.#slots.length - 1
    let slot = fingerprint % this.#slots.length
    while (this.#slots[slot] !== 0 && this.#slots[slot] !== fingerprint) slot = (slot + 1) & mask
    return slot
  }

  #grow(): void {
    const old = this.#slots
    this.#slots = new Float64Array(old.length * 2)
    for (const fingerprint of old) if (fingerprint !== 0) this.#slots[this.#slotOf(fingerprint)] = fingerprint
  }
}
