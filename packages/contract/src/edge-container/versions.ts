// Operations on versions: immutable container groups of an application (contract: esa-edge-container §6.2).
import Type from 'typebox'
import { operation } from '../operation.ts'
import { Container, ContainerEntry, exampleContainer, NewContainer } from './containers.ts'
import {
  anyCase,
  AppId,
  OrderKey,
  OrderType,
  Page,
  PageNumber,
  PageSize,
  Remarks,
  SearchKey,
  Time,
  TotalCount,
  VersionId,
} from './fields.ts'

const versionFields = {
  AppId: Type.String({ description: 'Id of the application.' }),
}
const versionTail = {
  CreateTime: Time('When the version was created, UTC.'),
  LastPublishTime: Type.Optional(Time('When the version was published last, UTC; absent while it never was.')),
  Name: Type.String({ description: 'Name of the version.' }),
  PublishTime: Type.Optional(Time('When the version was published first, UTC; absent while it never was.')),
  Remarks: Type.String({ description: 'A note in free text; may be empty.' }),
  Status: Type.Enum(['creating', 'created', 'failed'], { description: 'State of the version; only a created one can be published.' }),
  UpdateTime: Time('When the version changed last, UTC.'),
  VersionId: Type.String({ description: 'Id of the version.' }),
}

export const Version = Type.Object(
  { ...versionFields, Containers: Type.Array(Container, { description: 'The containers, strings as they were sent.' }), ...versionTail },
  { description: 'The version.' },
)
export const VersionEntry = Type.Object({
  ...versionFields,
  Containers: Type.Array(ContainerEntry, { description: 'The containers without IsACRImage, ACRImageInfo and Storage.' }),
  ...versionTail,
})

const appId = 'app-880688675783794688'
const versionId = 'ver-1005682639679266816'
const exampleVersion = {
  AppId: appId,
  CreateTime: '2026-01-05T08:00:00Z',
  LastPublishTime: '2026-01-05T08:10:00Z',
  Name: 'release-1',
  PublishTime: '2026-01-05T08:10:00Z',
  Remarks: 'first try',
  Status: 'created' as const,
  UpdateTime: '2026-01-05T08:10:00Z',
  VersionId: versionId,
}
const { IsACRImage: _isAcr, Storage: _storage, ...exampleEntry } = exampleContainer

export const CreateEdgeContainerAppVersion = operation({
  action: 'CreateEdgeContainerAppVersion',
  summary: 'Adds an immutable version to an application: the containers that run together.',
  description: 'Nothing runs until the version is published. A version cannot be changed afterwards; add another one.',
  access: 'create',
  input: Type.Object({
    AppId,
    Containers: Type.Array(NewContainer, { minItems: 1, description: 'The containers of the version, as one JSON text.' }),
    Name: Type.String({
      minLength: 6,
      maxLength: 128,
      fault: 'InvalidParameter.Name',
      description: 'Name, unique in the application, 6 to 128 characters.',
    }),
    Remarks: Type.Optional(Remarks),
  }),
  output: Type.Object({ VersionId: Type.String({ description: 'Id of the new version.' }) }),
  errors: [
    'InvalidParameter.Name',
    'InvalidParameter.Image',
    'InvalidParameter.HttpHeaders',
    'InvalidParameter.appid',
    'InvalidParameter',
    'ParameterAlreadyExist',
    'NameAlreadyExists',
    'InternalException',
    'InvalidApp.NotFound',
    'InternalError',
  ],
  example: {
    input: { AppId: appId, Containers: [exampleContainer], Name: 'release-1', Remarks: 'first try' },
    output: { VersionId: versionId },
  },
})

export const GetEdgeContainerAppVersion = operation({
  action: 'GetEdgeContainerAppVersion',
  summary: 'Returns one version of an application with all of its containers.',
  access: 'get',
  input: Type.Object({ AppId, VersionId }),
  output: Type.Object({ Version }),
  errors: [
    'InvalidParameter.appid',
    'InvalidParameter.VersionId',
    'InvalidParameter',
    'InvalidApp.NotFound',
    'InvalidVersion.NotFound',
    'InternalError',
  ],
  example: {
    input: { AppId: appId, VersionId: versionId },
    output: { Version: { ...exampleVersion, Containers: [exampleContainer] } },
  },
})

export const ListEdgeContainerAppVersions = operation({
  action: 'ListEdgeContainerAppVersions',
  summary: 'Lists the versions of an application, newest first.',
  access: 'list',
  input: Type.Object({
    AppId,
    OrderKey: Type.Optional(OrderKey),
    OrderType: Type.Optional(OrderType),
    PageNumber: Type.Optional(PageNumber),
    PageSize: Type.Optional(PageSize(100)),
    SearchKey: Type.Optional(SearchKey),
    SearchType: Type.Optional(
      anyCase(['VersionId', 'Name'], {
        description: 'Field to search, in any letter case: VersionId or Name. Without it either may match.',
      }),
    ),
  }),
  output: Type.Object({ ...Page, TotalCount, Versions: Type.Array(VersionEntry, { description: 'The versions of the page.' }) }),
  errors: ['InvalidParameter.appid', 'InvalidParameter', 'InvalidApp.NotFound', 'InternalError'],
  example: {
    input: {
      AppId: appId,
      OrderKey: 'CreateTime',
      OrderType: 'DESC',
      PageNumber: 1,
      PageSize: 20,
      SearchKey: 'release',
      SearchType: 'Name',
    },
    output: { PageNumber: 1, PageSize: 20, TotalCount: 1, Versions: [{ ...exampleVersion, Containers: [exampleEntry] }] },
  },
})

export const DeleteEdgeContainerAppVersion = operation({
  action: 'DeleteEdgeContainerAppVersion',
  summary: 'Deletes a version that neither environment runs or is about to run.',
  access: 'delete',
  input: Type.Object({ AppId, VersionId }),
  output: Type.Object({}),
  errors: [
    'InvalidParameter.appid',
    'InvalidParameter.VersionId',
    'InvalidParameter',
    'InternalException',
    'InvalidApp.NotFound',
    'InvalidVersion.NotFound',
    'InternalError',
  ],
  example: { input: { AppId: appId, VersionId: versionId }, output: {} },
})
