// Operations on sites: the domains of an account, to which the domains of applications belong. A small part of the vendor's
// site family, as much as records and Terraform need; names and types are those of the official client.
import Type from 'typebox'
import { operation } from '../operation.ts'
import { DomainName, MatchMode, Page, PageNumber, SiteId, Time, TotalCount } from './fields.ts'

const accessWords = ['NS', 'CNAME'] as const
const coverageWords = ['domestic', 'global', 'overseas'] as const
const accessText = 'How the domain is to reach this installation: NS or CNAME. It is kept and shown; no DNS is served yet.'
const coverageText = 'Where visitors come from: domestic, global or overseas. It is kept and shown.'
const nothingYet = 'Always empty: this installation serves no DNS and checks no ownership of domains.'

const Site = Type.Object({
  AccessType: Type.Enum(accessWords, { description: accessText }),
  Coverage: Type.Enum(coverageWords, { description: coverageText }),
  CreateTime: Time('When the site was created, UTC.'),
  InstanceId: Type.String({ description: 'Id of the plan as it was sent; plans mean nothing here.' }),
  NameServerList: Type.String({ description: nothingYet }),
  ResourceGroupId: Type.String({ description: 'Id of the resource group as it was sent.' }),
  SiteId,
  SiteName: Type.String({ description: 'The domain, in lower case.' }),
  Status: Type.Literal('pending', {
    description: 'Always pending: the domain is not set up for traffic. Terraform waits for this very word.',
  }),
  Tags: Type.Record(Type.String(), Type.String(), { description: 'Keys and values of the tags.' }),
  UpdateTime: Time('When the site changed last, UTC.'),
  VerifyCode: Type.String({ description: nothingYet }),
})
const SiteModel = Type.Object(
  { ...Site.properties, VersionManagement: Type.Literal(false, { description: 'Sites have no versions here.' }) },
  { description: 'The site.' },
)

const exampleSite = {
  AccessType: 'NS' as const,
  Coverage: 'global' as const,
  CreateTime: '2026-01-05T08:00:00Z',
  InstanceId: '',
  NameServerList: '',
  ResourceGroupId: '',
  SiteId: 5407498413001,
  SiteName: 'example.com',
  Status: 'pending' as const,
  Tags: { team: 'web' },
  UpdateTime: '2026-01-05T08:00:00Z',
  VerifyCode: '',
}

export const CreateSite = operation({
  action: 'CreateSite',
  summary: 'Creates a site: a domain of the account, under which domains can be bound to applications.',
  description: 'No plan is needed. A domain can be a site only once in an installation.',
  access: 'create',
  input: Type.Object({
    AccessType: Type.Enum(accessWords, { description: accessText }),
    Coverage: Type.Enum(coverageWords, { description: coverageText }),
    InstanceId: Type.Optional(Type.String({ maxLength: 128, description: 'Id of a plan; any text, kept and shown.' })),
    ResourceGroupId: Type.Optional(Type.String({ maxLength: 128, description: 'Id of a resource group; any text, kept and shown.' })),
    SiteName: DomainName('The domain, such as example.com.'),
  }),
  output: Type.Object({
    NameServerList: Type.String({ description: nothingYet }),
    SiteId,
    VerifyCode: Type.String({ description: nothingYet }),
  }),
  errors: ['InvalidParameter', 'ParameterAlreadyExist', 'InternalException', 'InternalError'],
  example: {
    input: { AccessType: 'NS', Coverage: 'global', SiteName: 'example.com' },
    output: { NameServerList: '', SiteId: 5407498413001, VerifyCode: '' },
  },
})

export const GetSite = operation({
  action: 'GetSite',
  summary: 'Returns one site.',
  access: 'get',
  input: Type.Object({ SiteId }),
  output: Type.Object({ SiteModel }),
  errors: ['InvalidParameter', 'SiteNotFound', 'InternalError'],
  example: { input: { SiteId: 5407498413001 }, output: { SiteModel: { ...exampleSite, VersionManagement: false } } },
})

export const ListSites = operation({
  action: 'ListSites',
  summary: 'Lists the sites of the account, newest first.',
  access: 'list',
  input: Type.Object({
    AccessType: Type.Optional(Type.Enum(accessWords, { description: 'Only sites with this access.' })),
    Coverage: Type.Optional(Type.Enum(coverageWords, { description: 'Only sites with this coverage.' })),
    OnlyEnterprise: Type.Optional(Type.Boolean({ description: 'Only sites of the enterprise plan: with true the list is empty.' })),
    OrderBy: Type.Optional(
      Type.Enum(['gmtCreate', 'visitTime'], {
        description: 'What to sort by. Visits are not known, so both sort by the time of creation.',
      }),
    ),
    PageNumber: Type.Optional(PageNumber),
    PageSize: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 500, description: 'Entries per page, at most 500.' })),
    PlanSubscribeType: Type.Optional(Type.String({ maxLength: 64, description: 'Only sites of this plan: no site has one.' })),
    ResourceGroupId: Type.Optional(Type.String({ maxLength: 128, description: 'Only sites of this resource group.' })),
    SiteName: Type.Optional(Type.String({ maxLength: 1024, description: 'Only sites whose domain matches this text.' })),
    SiteSearchType: Type.Optional(MatchMode('How SiteName is compared.')),
    Status: Type.Optional(Type.Enum(['pending', 'active', 'offline', 'moved'], { description: 'Only sites in this state.' })),
    TagFilter: Type.Optional(
      Type.Array(
        Type.Object({
          Key: Type.Optional(Type.String({ description: 'Key of the tag.' })),
          Value: Type.Optional(Type.String({ description: 'Value of the tag.' })),
        }),
        { maxItems: 20, description: 'Only sites that have every one of these tags; without a value any.' },
      ),
    ),
  }),
  output: Type.Object({ ...Page, Sites: Type.Array(Site, { description: 'The sites of the page.' }), TotalCount }),
  errors: ['InvalidParameter', 'InternalError'],
  example: {
    input: { PageNumber: 1, PageSize: 20, SiteName: 'example.com', SiteSearchType: 'exact' },
    output: { PageNumber: 1, PageSize: 20, Sites: [exampleSite], TotalCount: 1 },
  },
})

export const UpdateSiteCoverage = operation({
  action: 'UpdateSiteCoverage',
  summary: 'Changes where the visitors of a site come from.',
  access: 'update',
  input: Type.Object({ Coverage: Type.Enum(coverageWords, { description: coverageText }), SiteId }),
  output: Type.Object({}),
  errors: ['InvalidParameter', 'SiteNotFound', 'InternalError'],
  example: { input: { Coverage: 'overseas', SiteId: 5407498413001 }, output: {} },
})

export const DeleteSite = operation({
  action: 'DeleteSite',
  summary: 'Deletes a site, and with it the records that bind its domains to applications.',
  access: 'delete',
  input: Type.Object({ SiteId }),
  output: Type.Object({}),
  errors: ['InvalidParameter', 'SiteNotFound', 'InternalError'],
  example: { input: { SiteId: 5407498413001 }, output: {} },
})
