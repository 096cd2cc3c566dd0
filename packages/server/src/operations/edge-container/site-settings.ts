// Operations on the settings of sites that Terraform reads and writes.
import type { operations } from '@littoral/contract/edge-container/index'
import type { Handlers } from '@littoral/contract/operation'
import { changedSettings, type SiteSettings } from '../../domain/site-settings.ts'
import * as siteTags from '../../store/edge-container/site-tags.ts'
import * as sites from '../../store/edge-container/sites.ts'
import type { Context } from '../context.ts'

type SettingOperations = Pick<
  typeof operations,
  'GetManagedTransform' | 'UpdateManagedTransform' | 'GetIPv6' | 'UpdateIPv6' | 'GetTieredCache' | 'UpdateTieredCache'
>

export const siteSettingHandlers: Handlers<SettingOperations, Context> = {
  async GetManagedTransform({ SiteId }, context) {
    const { geolocationHeader, clientAddressHeader, clientAddressHeaderName } = await read(SiteId, context)
    return {
      ...(geolocationHeader && { AddClientGeolocationHeader: geolocationHeader }),
      ...(clientAddressHeader && { AddRealClientIpHeader: clientAddressHeader }),
      ...(clientAddressHeaderName && { RealClientIpHeaderName: clientAddressHeaderName }),
      SiteVersion: 0,
    }
  },

  async UpdateManagedTransform({ SiteId, AddClientGeolocationHeader, AddRealClientIpHeader, RealClientIpHeaderName }, context) {
    return change(SiteId, context, {
      ...(AddClientGeolocationHeader !== undefined && { geolocationHeader: AddClientGeolocationHeader }),
      ...(AddRealClientIpHeader !== undefined && { clientAddressHeader: AddRealClientIpHeader }),
      ...(RealClientIpHeaderName !== undefined && { clientAddressHeaderName: RealClientIpHeaderName }),
    })
  },

  async GetIPv6({ SiteId }, context) {
    const { ipv6 = 'off', ipv6Region = '' } = await read(SiteId, context)
    return { Enable: ipv6, Region: ipv6Region }
  },

  async UpdateIPv6({ SiteId, Enable, Region }, context) {
    return change(SiteId, context, { ipv6: Enable, ...(Region !== undefined && { ipv6Region: Region }) })
  },

  async GetTieredCache({ SiteId }, context) {
    const { cacheMode = 'edge' } = await read(SiteId, context)
    return { CacheArchitectureMode: cacheMode }
  },

  async UpdateTieredCache({ SiteId, CacheArchitectureMode }, context) {
    return change(SiteId, context, { cacheMode: CacheArchitectureMode })
  },
}

function read(siteId: number, { store, principal }: Context): Promise<SiteSettings> {
  return store.read(async (tx) => {
    await sites.get(tx, { accountId: principal.accountId, siteId })
    return siteTags.getSettings(tx, siteId)
  })
}

type Change = Parameters<typeof changedSettings>[1]

async function change(siteId: number, { store, principal }: Context, changes: Change): Promise<Record<string, never>> {
  await store.write(async (tx) => {
    await sites.get(tx, { accountId: principal.accountId, siteId })
    siteTags.updateSettings(tx, siteId, changedSettings(await siteTags.getSettings(tx, siteId), changes))
  })
  return {}
}
