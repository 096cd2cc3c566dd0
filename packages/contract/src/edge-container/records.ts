// Operations on records: a domain of a site, bound to an application (contract: esa-edge-container §7). The binding is kept
// and shown; leading visitors along it is not part of this installation yet, and the descriptions say so.
import Type from 'typebox'
import { operation } from '../operation.ts'
import { AppId, DomainName, MatchMode, OrderType, Page, PageSize, SearchKey, SiteId, Time, TimeOrderKey, TotalCount } from './fields.ts'

const noTraffic = 'No traffic is routed by it yet: the name it would be an alias of does not resolve.'
const OptionalSite = Type.Optional({
  ...SiteId,
  description: 'Site of the domain. Without it the site with the longest fitting domain is taken.',
})
const RecordName = DomainName('The whole domain, which must be the domain of the site or lie below it.')

const recordFields = {
  CreateTime: Time('When the domain was bound, UTC.'),
  RecordName: Type.String({ description: 'The bound domain, in lower case.' }),
  SiteId,
  UpdateTime: Time('When the record changed last, UTC.'),
}
const AppRecord = Type.Object({
  AppId: Type.String({ description: 'Application the domain is bound to.' }),
  Cname: Type.String({ description: 'Name that the domain is to be an alias of. It does not resolve yet.' }),
  ConfigId: Type.Integer({ description: 'Id of the record’s configuration.' }),
  RecordId: Type.Integer({ description: 'Id of the record.' }),
  SchemdId: Type.Integer({ description: 'Id of the record’s scheduling. The misspelt key is the vendor’s.' }),
  ...recordFields,
})
const SiteRecord = Type.Object({
  RecordCname: Type.String({ description: 'Name that the domain is to be an alias of. It does not resolve yet.' }),
  SiteName: Type.String({ description: 'Domain of the site.' }),
  ...recordFields,
})

const exampleApp = 'app-880688675783794688'
const exampleBinding = { AppId: exampleApp, RecordName: 'shop.example.com', SiteId: 5407498413001 }
const exampleRecord = {
  CreateTime: '2026-01-05T08:00:00Z',
  RecordName: 'shop.example.com',
  SiteId: 5407498413001,
  UpdateTime: '2026-01-05T08:00:00Z',
}

export const CreateEdgeContainerAppRecord = operation({
  action: 'CreateEdgeContainerAppRecord',
  summary: 'Binds a domain of a site to an application.',
  description: noTraffic,
  access: 'create',
  input: Type.Object({ AppId, RecordName, SiteId: OptionalSite }),
  output: Type.Object({}),
  errors: [
    'InvalidParameter',
    'InvalidParameter.appid',
    'ParameterAlreadyExist',
    'SiteNotNamed',
    'InternalException',
    'InvalidApp.NotFound',
    'SiteNotFound',
    'InternalError',
  ],
  example: { input: exampleBinding, output: {} },
})

export const DeleteEdgeContainerAppRecord = operation({
  action: 'DeleteEdgeContainerAppRecord',
  summary: 'Releases a domain that is bound to an application.',
  access: 'delete',
  input: Type.Object({ AppId, RecordName, SiteId: OptionalSite }),
  output: Type.Object({}),
  errors: ['InvalidParameter', 'InvalidParameter.appid', 'SiteNotNamed', 'InvalidApp.NotFound', 'SiteNotFound', 'InternalError'],
  example: { input: exampleBinding, output: {} },
})

export const ListEdgeContainerAppRecords = operation({
  action: 'ListEdgeContainerAppRecords',
  summary: 'Lists the domains that are bound to an application, newest first.',
  description: noTraffic,
  access: 'list',
  input: Type.Object({
    AppId,
    OrderKey: Type.Optional(TimeOrderKey),
    OrderType: Type.Optional(OrderType),
    PageNumber: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000, default: 1, description: 'Which page, counted from 1.' })),
    PageSize: Type.Optional(PageSize(500)),
    SearchKey: Type.Optional({ ...SearchKey, description: 'Text that the domain must contain.' }),
  }),
  output: Type.Object({ ...Page, Records: Type.Array(AppRecord, { description: 'The records of the page.' }), TotalCount }),
  errors: ['InvalidParameter.appid', 'InvalidParameter', 'InvalidApp.NotFound', 'InternalError'],
  example: {
    input: { AppId: exampleApp, OrderKey: 'CreateTime', OrderType: 'DESC', PageNumber: 1, PageSize: 20, SearchKey: 'shop' },
    output: {
      PageNumber: 1,
      PageSize: 20,
      Records: [
        {
          AppId: exampleApp,
          Cname: 'shop.example.com.edge.internal',
          ConfigId: 27522948436001,
          RecordId: 2660001,
          SchemdId: 123456,
          ...exampleRecord,
        },
      ],
      TotalCount: 1,
    },
  },
})

export const ListEdgeContainerRecords = operation({
  action: 'ListEdgeContainerRecords',
  summary: 'Lists the domains of a site that are bound to applications, newest first.',
  description: noTraffic,
  access: 'list',
  input: Type.Object({
    PageNumber: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000, default: 1, description: 'Which page, counted from 1.' })),
    PageSize: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 500, description: 'Entries per page, at most 500.' })),
    RecordMatchType: Type.Optional(MatchMode('How RecordName is compared.')),
    RecordName: Type.Optional(Type.String({ maxLength: 1024, description: 'Only domains that match this text.' })),
    SiteId,
  }),
  output: Type.Object({ ...Page, Records: Type.Array(SiteRecord, { description: 'The records of the page.' }), TotalCount }),
  errors: ['InvalidParameter', 'SiteNotFound', 'InternalError'],
  example: {
    input: { PageNumber: 1, PageSize: 20, RecordMatchType: 'fuzzy', RecordName: 'shop', SiteId: 5407498413001 },
    output: {
      PageNumber: 1,
      PageSize: 20,
      Records: [{ RecordCname: 'shop.example.com.edge.internal', SiteName: 'example.com', ...exampleRecord }],
      TotalCount: 1,
    },
  },
})
