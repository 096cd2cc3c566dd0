// How the IoT family measures and writes text.

/** Length with every Chinese character counted as 2. */
export function widthOf(text: string): number {
  return lengthOf(text) + (text.match(/[\u4e00-\u9fa5]/g)?.length ?? 0)
}

/** Length in characters: one outside the basic plane is one, not two. */
export function lengthOf(text: string): number {
  return Array.from(text).length
}

export function byteLength(text: string): number {
  return Buffer.byteLength(text, 'utf8')
}

/** JSON with the keys of every object in alphabetical order, as the vendor's reads show it. */
export function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
