// Operations on the tags of sites.
import type { operations } from '@littoral/contract/edge-container/index'
import { Fault } from '@littoral/contract/errors'
import type { Handlers } from '@littoral/contract/operation'
import { requireDistinct } from '../../domain/site-settings.ts'
import * as siteTags from '../../store/edge-container/site-tags.ts'
import * as sites from '../../store/edge-container/sites.ts'
import type { Context } from '../context.ts'

type TagOperations = Pick<typeof operations, 'ListTagResources' | 'TagResources' | 'UntagResources'>

export const siteTagHandlers: Handlers<TagOperations, Context> = {
  async ListTagResources({ ResourceId, Tag = [], MaxItem = 100, NextToken }, { store, principal: { accountId } }) {
    const siteIds = ResourceId === undefined ? {} : { siteIds: ResourceId.map(Number) }
    const wanted = Tag.map(({ Key: key, Value: value }) => ({ key, ...(value !== undefined && { value }) }))
    const after = NextToken ? { after: parseToken(NextToken) } : {}
    const { tags, total } = await store.read(async (tx) => {
      for (const siteId of siteIds.siteIds ?? []) await sites.get(tx, { accountId, siteId })
      // One more than asked for tells whether there is another page.
      return siteTags.list(tx, { accountId, ...siteIds, wanted, ...after, limit: MaxItem + 1 })
    })
    const page = tags.slice(0, MaxItem)
    const last = page.at(-1)
    return {
      NextToken: tags.length > page.length && last !== undefined ? toToken(last) : '',
      TagResources: page.map(({ siteId, key, value }) => ({
        ResourceId: String(siteId),
        ResourceType: 'site',
        TagKey: key,
        TagValue: value,
      })),
      TotalCount: total,
    }
  },

  async TagResources({ ResourceId, Tag }, { store, principal: { accountId } }) {
    const tags = Tag.map(({ Key: key, Value: value }) => ({ key, value }))
    requireDistinct(tags)
    await store.write(async (tx) => {
      const siteIds = new Set(ResourceId.map(Number))
      for (const siteId of siteIds) await sites.get(tx, { accountId, siteId })
      for (const siteId of siteIds) siteTags.put(tx, siteId, tags)
    })
    return {}
  },

  async UntagResources({ ResourceId, All = false, TagKey = [] }, { store, principal: { accountId } }) {
    await store.write(async (tx) => {
      const siteIds = new Set(ResourceId.map(Number))
      for (const siteId of siteIds) await sites.get(tx, { accountId, siteId })
      for (const siteId of siteIds) siteTags.remove(tx, siteId, All ? undefined : TagKey)
    })
    return {}
  },
}

function toToken({ siteId, key }: siteTags.SiteTag): string {
  return Buffer.from(JSON.stringify([siteId, key])).toString('base64url')
}

function parseToken(text: string): { siteId: number; key: string } {
  try {
    const [siteId, key] = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as unknown[]
    if (Number.isSafeInteger(siteId) && typeof key === 'string') return { siteId: Number(siteId), key }
  } catch {
    // Said below.
  }
  throw new Fault('InvalidParameter', { Detail: 'NextToken: as the page before answered it.' })
}
