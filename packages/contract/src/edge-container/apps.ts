// Operations on applications: a named shell with its ports and the gateway's health check (contract: esa-edge-container §6.1).
import Type from 'typebox'
import { operation } from '../operation.ts'
import { anyCase, AppId, OrderKey, OrderType, Page, PageNumber, PageSize, Port, Remarks, SearchKey, Time, TotalCount } from './fields.ts'

const HttpCode = anyCase(['http_2xx', 'http_3xx'], { description: 'Class of status codes that means healthy.', default: 'http_2xx' })
const Method = Type.Enum(['HEAD', 'GET'], { description: 'HTTP method of the check.', default: 'HEAD' })
const CheckType = Type.Enum(['', 'l4', 'l7'], { description: 'Layer of the check; empty when none is asked for.', default: '' })

const HealthCheck = Type.Object(
  {
    FailTimes: Type.Integer({ description: 'Failures in a row until a backend counts as unhealthy.' }),
    Host: Type.String({ description: 'Host name the check uses; may be empty.' }),
    HttpCode: Type.String({ description: 'Class of status codes that means healthy.' }),
    Interval: Type.Integer({ description: 'Seconds between two checks.' }),
    Method: Type.String({ description: 'HTTP method of the check.' }),
    Port: Type.Integer({ description: 'Port that is checked.' }),
    SuccTimes: Type.Integer({ description: 'Successes in a row until a backend counts as healthy again.' }),
    Timeout: Type.Integer({ description: 'Seconds to wait for an answer.' }),
    Type: Type.String({ description: 'Layer of the check, l4 or l7; empty when none is asked for.' }),
    Uri: Type.String({ description: 'Path of the check. It is called HealthCheckURI on creation.' }),
  },
  { description: 'Health check of the gateway.' },
)

const appFields = {
  AppId: Type.String({ description: 'Id of the application.' }),
  CreateTime: Time('When the application was created, UTC.'),
  DomainName: Type.String({ description: 'The domain that was bound to the application first, or empty.' }),
  GatewayType: Type.Enum(['l7', 'l4'], { description: 'Layer of the gateway before the application.' }),
  HealthCheck,
  Name: Type.String({ description: 'Name of the application.' }),
}
const appTail = {
  QuicCid: Type.Enum(['true', 'false'], { description: 'QUIC switch, as text.' }),
  Remarks: Type.String({ description: 'A note in free text; may be empty.' }),
  ServicePort: Type.Integer({ description: 'Port that visitors use.' }),
  Status: Type.Enum(['creating', 'created', 'failed', 'deleted'], {
    description: 'State of the application. `deleted` shows while its instances are still being stopped; after that it is not found.',
  }),
  TargetPort: Type.Integer({ description: 'Port that the container serves on.' }),
  UpdateTime: Time('When the application changed last, UTC.'),
  VersionCount: Type.Integer({ description: 'How many versions the application has.' }),
}
export const App = Type.Object({ ...appFields, ...appTail }, { description: 'The application.' })
export const AppEntry = Type.Object({
  ...appFields,
  Percentage: Type.Integer({ minimum: 0, maximum: 100, description: 'Progress of the creation; only lists have it.' }),
  ...appTail,
})

const exampleApp = {
  AppId: 'app-880688675783794688',
  CreateTime: '2026-01-05T08:00:00Z',
  DomainName: '',
  GatewayType: 'l7' as const,
  HealthCheck: {
    FailTimes: 5,
    Host: '',
    HttpCode: 'http_2xx',
    Interval: 5,
    Method: 'HEAD',
    Port: 80,
    SuccTimes: 2,
    Timeout: 3,
    Type: 'l7',
    Uri: '/healthz',
  },
  Name: 'shop-frontend',
  QuicCid: 'false' as const,
  Remarks: 'web shop',
  ServicePort: 80,
  Status: 'created' as const,
  TargetPort: 3000,
  UpdateTime: '2026-01-05T08:00:00Z',
  VersionCount: 1,
}

export const CreateEdgeContainerApp = operation({
  action: 'CreateEdgeContainerApp',
  summary: 'Creates an application: its name, its ports and its health check.',
  description: 'Nothing runs until a version is added and published. There is no update: ports and health check stay as they were created.',
  access: 'create',
  input: Type.Object({
    HealthCheckFailTimes: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10, default: 5, description: 'Failures in a row until a backend counts as unhealthy.' }),
    ),
    HealthCheckHost: Type.Optional(Type.String({ maxLength: 255, default: '', description: 'Host name for the check.' })),
    HealthCheckHttpCode: Type.Optional(HttpCode),
    HealthCheckInterval: Type.Optional(Type.Integer({ minimum: 1, maximum: 50, default: 5, description: 'Seconds between two checks.' })),
    HealthCheckMethod: Type.Optional(Method),
    HealthCheckPort: Type.Optional(Type.Integer({ minimum: 1, maximum: 65535, default: 80, description: 'Port to check.' })),
    HealthCheckSuccTimes: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10, default: 2, description: 'Successes in a row until a backend counts as healthy again.' }),
    ),
    HealthCheckTimeout: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, default: 3, description: 'Seconds to wait for an answer.' }),
    ),
    HealthCheckType: Type.Optional(CheckType),
    HealthCheckURI: Type.Optional(
      Type.String({ minLength: 1, maxLength: 80, pattern: '^/', default: '/', description: 'Path of the check; begins with /.' }),
    ),
    Name: Type.String({
      minLength: 6,
      maxLength: 128,
      pattern: '^[a-z][a-z0-9-]*[a-z0-9]$',
      fault: 'InvalidParameter.Name',
      description: 'Name, unique in the account: lower-case letters, digits and hyphens, beginning with a letter, not ending in a hyphen.',
    }),
    Remarks: Type.Optional(Remarks),
    ServicePort: Port('Port for visitors. Every production node listens on it.'),
    TargetPort: Port('Port that the container serves on.'),
  }),
  output: Type.Object({ AppId: Type.String({ description: 'Id of the new application.' }) }),
  errors: ['InvalidParameter.Name', 'NameAlreadyExists', 'InvalidParameter', 'InternalException', 'InternalError'],
  example: {
    input: {
      HealthCheckType: 'l7',
      HealthCheckURI: '/healthz',
      Name: 'shop-frontend',
      Remarks: 'web shop',
      ServicePort: 80,
      TargetPort: 3000,
    },
    output: { AppId: 'app-880688675783794688' },
  },
})

export const GetEdgeContainerApp = operation({
  action: 'GetEdgeContainerApp',
  summary: 'Returns one application.',
  access: 'get',
  input: Type.Object({ AppId }),
  output: Type.Object({ App }),
  errors: ['InvalidParameter.appid', 'InvalidParameter', 'InvalidApp.NotFound', 'InternalError'],
  example: { input: { AppId: 'app-880688675783794688' }, output: { App: exampleApp } },
})

export const ListEdgeContainerApps = operation({
  action: 'ListEdgeContainerApps',
  summary: 'Lists the applications of the account, newest first.',
  description: 'An application that is being deleted is not listed any more.',
  access: 'list',
  input: Type.Object({
    OrderKey: Type.Optional(OrderKey),
    OrderType: Type.Optional(OrderType),
    PageNumber: Type.Optional(PageNumber),
    PageSize: Type.Optional(PageSize(500)),
    SearchKey: Type.Optional(SearchKey),
    SearchType: Type.Optional(
      anyCase(['AppId', 'Name'], { description: 'Field to search, in any letter case: AppId or Name. Without it either may match.' }),
    ),
  }),
  output: Type.Object({ Apps: Type.Array(AppEntry, { description: 'The applications of the page.' }), ...Page, TotalCount }),
  errors: ['InvalidParameter', 'InternalError'],
  example: {
    input: { OrderKey: 'CreateTime', OrderType: 'DESC', PageNumber: 1, PageSize: 20, SearchKey: 'shop', SearchType: 'Name' },
    output: { Apps: [{ ...exampleApp, Percentage: 100 }], PageNumber: 1, PageSize: 20, TotalCount: 1 },
  },
})

export const DeleteEdgeContainerApp = operation({
  action: 'DeleteEdgeContainerApp',
  summary: 'Deletes an application with its versions, and stops whatever of it still runs.',
  description:
    'It is refused while domains are bound to it. The name is free again at once. While nodes still stop instances of it, GetEdgeContainerApp shows Status `deleted` and ' +
    'GetEdgeContainerAppStatus shows DeployStatus `undeploying`; after that the application is not found.',
  access: 'delete',
  input: Type.Object({ AppId }),
  output: Type.Object({ State: Type.String({ description: 'Outcome: ok.' }) }),
  errors: ['InvalidParameter', 'InvalidParameter.appid', 'Record.AlreadyExist', 'InvalidApp.NotFound', 'InternalError'],
  example: { input: { AppId: 'app-880688675783794688' }, output: { State: 'ok' } },
})
