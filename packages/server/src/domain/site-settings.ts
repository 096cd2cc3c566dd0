// What clients set at a site beside its domain, and the tags they sort sites by. Pure. Kept and shown only: nothing here serves the
// traffic of a site.
import { Fault } from '@littoral/contract/errors'

type Switch = 'on' | 'off'

/** What was never set is absent, and so is what was taken back. */
export interface SiteSettings {
  readonly geolocationHeader?: Switch
  readonly clientAddressHeader?: Switch
  readonly clientAddressHeaderName?: string
  readonly ipv6?: Switch
  readonly ipv6Region?: string
  readonly cacheMode?: 'edge' | 'edge_smart' | 'edge_regional' | 'edge_regional_smart'
}

/** What is left out stays; an empty text takes back. */
export function changedSettings(before: SiteSettings, change: { readonly [K in keyof SiteSettings]: SiteSettings[K] | '' }): SiteSettings {
  const merged = Object.entries({ ...before, ...change })
  return Object.fromEntries(merged.filter(([, value]) => value !== undefined && value !== ''))
}

export interface Tag {
  readonly key: string
  readonly value: string
}

export const mostTags = 20

/** Throws InvalidParameter where one key is there twice. */
export function requireDistinct(tags: readonly Tag[]): void {
  const seen = new Set<string>()
  for (const [index, { key }] of tags.entries()) {
    if (seen.has(key)) throw new Fault('InvalidParameter', { Detail: `Tag[${index}].Key: ${key} is there twice.` })
    seen.add(key)
  }
}
