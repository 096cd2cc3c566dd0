// Settings of a site that Terraform reads with every site and writes when it is told to. Nothing here serves the traffic of a site,
// so they are kept and shown, and say so; names and types are those of the official client.
import Type from 'typebox'
import { operation } from '../operation.ts'
import { SiteId } from './fields.ts'

const switchWords = ['on', 'off'] as const
const cacheWords = ['edge', 'edge_smart', 'edge_regional', 'edge_regional_smart'] as const
const kept = 'Kept and shown; no traffic of sites is served yet.'
const errors = ['InvalidParameter', 'SiteNotFound', 'InternalError'] as const

const Geolocation = Type.Enum(switchWords, { description: `Header with the place of the visitor, on or off. ${kept}` })
const RealClientIp = Type.Enum(switchWords, { description: `Header with the address of the visitor, on or off. ${kept}` })
const HeaderName = Type.String({ maxLength: 64, pattern: '^[A-Za-z0-9-]*$', description: `Name of that header. ${kept}` })
/** An empty text takes a setting back, as Terraform sends it for an argument that was removed. */
const orUnset = (description: string) => Type.Enum([...switchWords, ''], { description })
const SiteVersion = Type.Integer({ minimum: 0, maximum: 0, description: 'Version of the site: 0, as sites have no versions here.' })
const IPv6 = Type.Enum(switchWords, { description: `Whether visitors may come by IPv6, on or off. ${kept}` })
const IPv6Region = Type.String({ maxLength: 64, pattern: '^[A-Za-z0-9_.-]*$', description: `Where they may come from. ${kept}` })
const CacheArchitectureMode = Type.Enum(cacheWords, {
  description: `Layers of caches: edge, edge_smart, edge_regional or edge_regional_smart. ${kept}`,
})

const exampleId = 5407498413001

export const GetManagedTransform = operation({
  action: 'GetManagedTransform',
  summary: 'Returns which headers a site adds to requests to its origin.',
  description: 'What was never set is left out: Terraform would otherwise want to remove it with every plan.',
  access: 'get',
  input: Type.Object({ SiteId, SiteVersion: Type.Optional(SiteVersion) }),
  output: Type.Object({
    AddClientGeolocationHeader: Type.Optional(Geolocation),
    AddRealClientIpHeader: Type.Optional(RealClientIp),
    RealClientIpHeaderName: Type.Optional(HeaderName),
    SiteVersion,
  }),
  errors: [...errors],
  example: { input: { SiteId: exampleId }, output: { AddClientGeolocationHeader: 'on', SiteVersion: 0 } },
})

export const UpdateManagedTransform = operation({
  action: 'UpdateManagedTransform',
  summary: 'Changes which headers a site adds to requests to its origin.',
  description: 'What is left out stays as it is; an empty text takes a setting back.',
  access: 'update',
  input: Type.Object({
    AddClientGeolocationHeader: Type.Optional(orUnset(`Header with the place of the visitor, on or off. ${kept}`)),
    AddRealClientIpHeader: Type.Optional(orUnset(`Header with the address of the visitor, on or off. ${kept}`)),
    RealClientIpHeaderName: Type.Optional(HeaderName),
    SiteId,
    SiteVersion: Type.Optional(SiteVersion),
  }),
  output: Type.Object({}),
  errors: [...errors],
  example: { input: { AddClientGeolocationHeader: 'on', SiteId: exampleId }, output: {} },
})

export const GetIPv6 = operation({
  action: 'GetIPv6',
  summary: 'Returns whether visitors of a site may come by IPv6.',
  access: 'get',
  input: Type.Object({ SiteId }),
  output: Type.Object({ Enable: IPv6, Region: IPv6Region }),
  errors: [...errors],
  example: { input: { SiteId: exampleId }, output: { Enable: 'off', Region: '' } },
})

export const UpdateIPv6 = operation({
  action: 'UpdateIPv6',
  summary: 'Changes whether visitors of a site may come by IPv6.',
  access: 'update',
  input: Type.Object({ Enable: IPv6, Region: Type.Optional(IPv6Region), SiteId }),
  output: Type.Object({}),
  errors: [...errors],
  example: { input: { Enable: 'on', SiteId: exampleId }, output: {} },
})

export const GetTieredCache = operation({
  action: 'GetTieredCache',
  summary: 'Returns the layers of caches of a site.',
  access: 'get',
  input: Type.Object({ SiteId }),
  output: Type.Object({ CacheArchitectureMode }),
  errors: [...errors],
  example: { input: { SiteId: exampleId }, output: { CacheArchitectureMode: 'edge' } },
})

export const UpdateTieredCache = operation({
  action: 'UpdateTieredCache',
  summary: 'Changes the layers of caches of a site.',
  access: 'update',
  input: Type.Object({ CacheArchitectureMode, SiteId }),
  output: Type.Object({}),
  errors: [...errors],
  example: { input: { CacheArchitectureMode: 'edge_smart', SiteId: exampleId }, output: {} },
})
