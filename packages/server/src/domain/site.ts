// A site: a domain of an account, under which domains are bound to applications. Pure. It never leaves `pending`: nothing
// here serves its DNS or checks whose it is.
import { parseDomainName } from './domain-name.ts'

export type SiteAccess = 'NS' | 'CNAME'
export type SiteCoverage = 'domestic' | 'global' | 'overseas'

export interface Site {
  readonly id: number
  readonly accountId: string
  /** The domain in lower case. */
  readonly name: string
  readonly access: SiteAccess
  readonly coverage: SiteCoverage
  /** As they were sent; empty where they were not. */
  readonly planId: string
  readonly resourceGroupId: string
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

/** Throws InvalidParameter for what is no domain. */
export function newSite(draft: Omit<Site, 'createdAtMs' | 'updatedAtMs'>, nowMs: number): Site {
  return { ...draft, name: parseDomainName(draft.name, 'SiteName'), createdAtMs: nowMs, updatedAtMs: nowMs }
}
