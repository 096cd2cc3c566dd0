// The table at the end: what was measured, as a ratio to a floor of the same run, beside the goal.

export interface Line {
  readonly name: string
  readonly measured: string
  /** A ratio to a floor, or an absolute value where the goal is one. */
  readonly value?: number
  readonly goal?: { readonly kind: 'at least' | 'at most'; readonly value: number; readonly unit?: string }
}

export function isMet({ value, goal }: Line): boolean | undefined {
  if (value === undefined || goal === undefined) return undefined
  return goal.kind === 'at least' ? value >= goal.value : value <= goal.value
}

export function print(lines: readonly Line[]): void {
  const rows = lines.map((line) => {
    const { name, measured, value, goal } = line
    const unit = goal?.unit ?? ''
    const wanted = goal ? `${goal.kind} ${goal.value}${unit}` : ''
    const verdict = isMet(line) === undefined ? '' : isMet(line) ? 'met' : 'MISSED'
    return [name, measured, value === undefined ? '' : `${value.toFixed(2)}${unit}`, wanted, verdict]
  })
  const all = [['what', 'measured', 'ratio or value', 'goal', ''], ...rows]
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  for (const row of all)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** `median [least..most]` */
export function spread(values: readonly number[], digits: number): string {
  const round = (value: number) => value.toLocaleString('en', { maximumFractionDigits: digits })
  return `${round(median(values))} [${round(Math.min(...values))}..${round(Math.max(...values))}]`
}
