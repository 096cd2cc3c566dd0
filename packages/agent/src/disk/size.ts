// Sizes as an operator writes them: `500M`, `20G`, `1.5T`. Powers of 1024; a plain number is bytes.

const factors: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 }

/** Undefined when it is not a size. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,6})?)\s?([kmgt]?)(?:i?b)?$/i.exec(text)
  const bytes = Number(match?.[1]) * (factors[(match?.[2] ?? '').toLowerCase()] ?? Number.NaN)
  return Number.isFinite(bytes) && bytes <= Number.MAX_SAFE_INTEGER ? Math.floor(bytes) : undefined
}
