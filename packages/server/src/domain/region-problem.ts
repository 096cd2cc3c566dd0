// What to tell of a node whose region is none of the installation's: a spelling mistake, a default that was left, or a region
// that was given up. It is not refused, because releases of the whole fleet or a share of it reach it all the same, and a server
// that lost a region from its settings must not lose nodes. Pure.
import type { Settings } from './settings.ts'

/** Regions named in the sentence; an installation may have any number. */
const mostNamed = 20

/** One sentence or two for the operator; undefined where there is nothing to tell. */
export function regionProblem(
  regions: Settings['regions'],
  { region, isRegionPinned }: { region: string; isRegionPinned: boolean },
): string | undefined {
  const codes = [...new Set(regions.map(({ code }) => code))]
  if (codes.includes(region)) return undefined
  const more = codes.length > mostNamed ? ` and ${codes.length - mostNamed} more` : ''
  const known = `${codes.slice(0, mostNamed).join(', ')}${more}`
  const remedy = isRegionPinned ? 'Join with a token of another region' : 'Start the agent with another --region'
  return (
    `the region ${region} of this node is none of the server's (${known}), so releases by region pass it over. ` +
    `${remedy}, or add ${region} to LITTORAL_REGIONS of the server`
  )
}
