// Where our declarations differ from the contract or from the vendor's client on purpose. Every entry needs a reason;
// an entry that matches nothing any more fails its test, so the list can only shrink.

export interface Allowed {
  /** The place, as the difference names it; `*` stands for any text. */
  readonly where: string
  readonly what: string
  readonly reason: string
}

/** Against test/contract/*.json. */
export const allowedAgainstContract: readonly Allowed[] = [
  {
    where: 'CreateEdgeContainerApp input HealthCheckType',
    what: 'enum',
    reason: 'An empty text is taken too and means no health check: reads answer it, and Terraform sends back what it has read.',
  },
  {
    where: 'CreateEdgeContainerAppVersion input Containers[] IsACRImage',
    what: 'required',
    reason: 'An installation made lenient lets it be left out, so the handler refuses and not the schema.',
  },
  {
    where: 'CreateEdgeContainerAppVersion input Containers[] Storage',
    what: 'required',
    reason: 'An installation made lenient lets it be left out, so the handler refuses and not the schema.',
  },
  ...[
    ['Port', 'minimum'],
    ['Port', 'maximum'],
    ['Scheme', 'enum'],
  ].map(([field, what]) => ({
    where: `CreateEdgeContainerAppVersion input Containers[] ProbeContent ${field}`,
    what: what ?? '',
    reason: 'Not looked at where it belongs to another ProbeType, so the handler refuses and not the schema.',
  })),
  {
    where: 'RollbackEdgeContainerAppVersion input Percentage',
    what: 'minimum',
    reason: 'The contract gives 1–100 and the default 0; 0 is taken and means what leaving it out means.',
  },
  {
    where: 'CreateEdgeDriver input CpuArch',
    what: 'enum',
    reason:
      'Taken in any letter case and stored in lower case; only looked at when Runtime is c, so the handler refuses and not the schema.',
  },
  {
    where: 'BindDriverToEdgeInstance input DriverVersion',
    what: 'minLength',
    reason: 'An empty text means what leaving it out means: the newest released version.',
  },
  ...['Create', 'Delete'].map((verb) => ({
    where: `${verb}EdgeContainerAppRecord input SiteId`,
    what: 'required',
    reason: 'Where it is left out the site is found by the domain; only when none fits is the vendor’s InternalError answered.',
  })),
  ...['Isp', 'Region'].map((field) => ({
    where: `UpdateEdgeContainerAppResourceReserve input ReserveSet[] ${field}`,
    what: 'enum',
    reason: 'Areas and carriers are those the operator lists, so the handler compares and not the schema.',
  })),
  {
    where: 'ListEdgeContainerAppRecords input OrderKey',
    what: 'enum',
    reason: 'ModifyTime is taken as well: the vendor’s texts disagree on the word.',
  },
]

/** Against the model classes of the official Node clients. */
export const allowedAgainstSdk: readonly Allowed[] = [
  {
    where: 'CreateProduct answer Data ProductSecret',
    what: 'missing',
    reason: 'Products authenticate each device by its own secret here; there is no secret of a product.',
  },
  ...['DevEui', 'JoinEui'].map((field) => ({
    where: `RegisterDevice answer Data ${field}`,
    what: 'missing',
    reason: 'LoRaWAN devices only, which are refused.',
  })),
  ...['GetSite answer SiteModel', 'ListSites answer Sites'].flatMap((where) =>
    ['CnameZone', 'OfflineReason', 'PlanName', 'PlanSpecName'].map((field) => ({
      where: `${where} ${field}`,
      what: 'missing',
      reason: 'Sites have no plan here, are never suspended and serve no DNS.',
    })),
  ),
  { where: 'GetSite answer SiteModel VanityNSList', what: 'missing', reason: 'Sites serve no DNS here.' },
  { where: 'ListSites answer Sites VisitTime', what: 'missing', reason: 'Visits are not counted.' },
  ...['OwnerId', 'SecurityToken'].map((field) => ({
    where: `DeleteSite request ${field}`,
    what: 'missing',
    reason: 'Parameters of the protocol that one client class lists; the signature check reads the token.',
  })),
  ...['ListTagResources', 'TagResources', 'UntagResources'].flatMap((action) =>
    ['OwnerId', 'SecurityToken'].map((field) => ({
      where: `${action} request ${field}`,
      what: 'missing',
      reason: 'Parameters of the protocol that one client class lists; the signature check reads the token.',
    })),
  ),
  {
    where: 'BatchGetDeviceBindStatus answer Data InstanceId',
    what: 'extra',
    reason: "The vendor's newer page has it; the client, which is older, passes over what it does not know.",
  },
  ...['DeviceType', 'GmtModified', 'UtcModified'].map((field) => ({
    where: `QueryDevice answer Data DeviceInfo ${field}`,
    what: 'missing',
    reason: 'Nothing here could fill it: devices have no type beside their product and never change.',
  })),
  { where: 'QueryDevice answer NextToken', what: 'missing', reason: 'Paging by token is refused.' },
  ...['CategoryName', 'NetType', 'ProductSecret', 'ProductStatus'].map((field) => ({
    where: `QueryProduct answer Data ${field}`,
    what: 'missing',
    reason: 'Nothing here could fill it: there is no thing model, and devices prove themselves by secrets of their own.',
  })),
]

/** Operations that the contract's files do not describe; the client's own models are their only source. */
export const outsideContract: Readonly<Record<string, string>> = Object.fromEntries([
  ...[
    ...['CreateSite', 'GetSite', 'ListSites', 'DeleteSite', 'UpdateSiteCoverage'],
    ...['GetManagedTransform', 'UpdateManagedTransform', 'GetIPv6', 'UpdateIPv6', 'GetTieredCache', 'UpdateTieredCache'],
    ...['ListTagResources', 'TagResources', 'UntagResources'],
  ].map((action) => [action, 'sites: only what records and Terraform need; the contract covers the edge container operations']),
  ...['OpenEdgeContainer', 'GetEdgeContainer'].map((action) => [
    action,
    'activation: the contract names it in §12.1 without describing it field by field',
  ]),
  ...[
    ...['CreateProduct', 'QueryProduct', 'QueryProductList', 'DeleteProduct'],
    ...['RegisterDevice', 'QueryDeviceDetail', 'QueryDevice', 'DeleteDevice', 'BatchGetDeviceBindStatus'],
  ].map((action) => [action, 'device registry: only what a gateway needs to exist; the contract covers the edge operations']),
  ...[
    ...['QueryDevicePropertyStatus', 'QueryDevicePropertyData', 'QueryDeviceEventData', 'GetDeviceStatus'],
    ...['InvokeThingService', 'SetDeviceProperty', 'ImportThingModelTsl', 'GetThingModelTsl'],
  ].map((action) => [
    action,
    'devices: what drivers report and are asked, by the vendor’s own operations; the contract covers the edge operations',
  ]),
])

/** Operations that the pinned official client does not have yet; they are asked through the old core, which has them all. */
export const outsideSdk: Readonly<Record<string, string>> = {
  OpenEdgeContainer: 'in newer clients of the vendor than 2.43.0 (contract: esa-edge-container §12.1)',
  GetEdgeContainer: 'in newer clients of the vendor than 2.43.0 (contract: esa-edge-container §12.1)',
}

/** Operations whose example is refused, with the code it is refused with. */
export const alwaysRefused: Readonly<Record<string, string>> = { OpenEdgeContainer: 'EdgeContainer.HasOpened' }

/** Operations whose example needs a device that a driver has brought online: carried out in test/journey/local-drivers.test.ts. */
export const needsDriver: ReadonlySet<string> = new Set(['InvokeThingService', 'SetDeviceProperty'])

interface Found {
  readonly where: string
  readonly what: string
}

/** Splits differences into those nobody allowed, and the allowances that nothing needed. */
export function judge<D extends Found>(found: readonly D[], allowed: readonly Allowed[]): { unexplained: D[]; unused: Allowed[] } {
  const matches = (rule: Allowed, difference: Found) => rule.what === difference.what && pattern(rule.where).test(difference.where)
  return {
    unexplained: found.filter((difference) => !allowed.some((rule) => matches(rule, difference))),
    unused: allowed.filter((rule) => !found.some((difference) => matches(rule, difference))),
  }
}

function pattern(where: string): RegExp {
  return new RegExp(
    `^${where
      .split('*')
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
  )
}
