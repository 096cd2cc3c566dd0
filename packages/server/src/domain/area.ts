// Areas: where the nodes of an installation stand, in the words of capacity, reservation and resource status (contract:
// esa-edge-container §9, list B). An installation's regions each belong to one. Pure.
import type { Settings } from './settings.ts'

type Regions = Settings['regions']

export interface Area {
  readonly area: string
  /** Carrier; absent where the installation names none. */
  readonly isp?: string
}

/** The area of a node. A region that the installation does not list, such as one it gave up, is an area of its own. */
export function areaOf(regions: Regions, code: string): Area {
  const region = regions.find((known) => known.code === code)
  return region === undefined ? { area: code } : toArea(region)
}

/** Every area of the installation, each once. */
export function areasOf(regions: Regions): Area[] {
  return distinct(regions.map(toArea))
}

/** The areas without repetition, in order of their first appearance. */
export function distinct(areas: readonly Area[]): Area[] {
  return [...new Map(areas.map((area) => [areaKey(area), area])).values()]
}

/** Equal for the same area and carrier. */
export function areaKey({ area, isp }: Area): string {
  return `${area}/${isp ?? ''}`
}

/** Codes are compared without letter case and shown in lower case. */
function toArea({ area, isp }: Regions[number]): Area {
  return { area: area.toLowerCase(), ...(isp !== undefined && { isp: isp.toLowerCase() }) }
}
