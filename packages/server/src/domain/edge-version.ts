// Edge versions: the software version of a gateway, and the lowest one a driver version asks for. Both are kept as they
// were written and compared as numbers, so that 2.10.0 is above 2.9.7 (contract: iot-edge §6).

const pattern = /^[vV]?\d{1,9}(\.\d{1,9}){0,3}$/

/** Whether the text is one to four numbers with dots between, perhaps after a v. */
export function isEdgeVersion(text: string): boolean {
  return pattern.test(text)
}

/** Below zero when `a` is the older version; missing parts count as 0. */
export function compareEdgeVersions(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)]
  for (let place = 0; place < 4; place++) {
    const difference = (left[place] ?? 0) - (right[place] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** A gateway whose version is no version at all is taken for the oldest. */
export function isEdgeVersionAtLeast(actual: string, needed: string): boolean {
  return isEdgeVersion(actual) ? compareEdgeVersions(actual, needed) >= 0 : false
}

function partsOf(version: string): number[] {
  return version.replace(/^[vV]/, '').split('.').map(Number)
}
