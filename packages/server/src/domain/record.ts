// A record: a domain of a site, bound to an application (contract: esa-edge-container §7). Pure.
import { Fault } from '@littoral/contract/errors'
import { isWithin, parseDomainName } from './domain-name.ts'
import type { Site } from './site.ts'

export interface AppRecord {
  readonly id: number
  readonly accountId: string
  readonly appId: string
  readonly siteId: number
  /** The domain in lower case. */
  readonly name: string
  /** The same as it was bound: Terraform looks for its own spelling (contract §11). */
  readonly spelling: string
  readonly cname: string
  readonly configId: number
  readonly schedulingId: number
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

/** `internal` is set aside for private use, so the name can never lead to somebody else's machine. */
const cnameSuffix = '.edge.internal'

/** The domain of a record in lower case; throws InvalidParameter. */
export function parseRecordName(text: string): string {
  return parseDomainName(text, 'RecordName', { mayBeWildcard: true })
}

/** Throws InvalidParameter for a name outside the site's domain. */
export function newRecord(
  draft: Pick<AppRecord, 'id' | 'accountId' | 'appId' | 'name' | 'spelling' | 'configId' | 'schedulingId'>,
  site: Pick<Site, 'id' | 'name'>,
  nowMs: number,
): AppRecord {
  if (!isWithin(draft.name, site.name)) {
    throw new Fault('InvalidParameter', { Detail: `RecordName: the domain is neither that of the site, ${site.name}, nor below it.` })
  }
  return { ...draft, siteId: site.id, cname: `${draft.name}${cnameSuffix}`, createdAtMs: nowMs, updatedAtMs: nowMs }
}

/** Throws Record.AlreadyExist when a domain is bound to the application. */
export function requireUnbound(appId: string, record: Pick<AppRecord, 'name'> | undefined): void {
  if (record !== undefined) throw new Fault('Record.AlreadyExist', { AppId: appId, RecordName: record.name })
}
