// Faults of the ESA edge container family (contract: esa-edge-container §8, and the error tables of its pages).
import { faultEntries } from './entry.ts'

export const edgeContainerFaults = faultEntries({
  InvalidParameter: {
    status: 400,
    message: 'The specified parameter is invalid. {Detail}',
    advice: 'Correct the field the message names.',
  },
  // The vendor spells this one in lower case; clients compare it byte for byte.
  'InvalidParameter.appid': {
    status: 400,
    message: 'The AppId is not valid: it is app- followed by digits, 20 to 64 characters in all. {Detail}',
    advice: 'Take the id from ListEdgeContainerApps.',
  },
  // Some operations spell it with a capital letter instead (contract: esa-edge-container §8).
  'InvalidParameter.Appid': {
    status: 400,
    message: 'The AppId is not valid: it is app- followed by digits, 20 to 64 characters in all. {Detail}',
    advice: 'Take the id from ListEdgeContainerApps.',
  },
  'InvalidParameter.VersionId': {
    status: 400,
    message: 'The VersionId is not valid: it is ver- followed by digits, 20 to 64 characters in all. {Detail}',
    advice: 'Take the id from ListEdgeContainerAppVersions.',
  },
  'InvalidParameter.Name': {
    status: 400,
    message: 'The Name is not valid: it has 6 to 128 characters. {Detail}',
    advice: 'Choose a name that keeps the rule the message names.',
  },
  'InvalidParameter.Image': {
    status: 400,
    message: 'The Image is not valid. {Detail}',
    advice: 'Name the image as host/path:tag; references by digest (@) are not possible.',
  },
  'InvalidParameter.HttpHeaders': {
    status: 400,
    message: 'The HttpHeaders are not valid. {Detail}',
    advice: 'Send JSON text: an object of header names and values, or an array of such objects, without @.',
  },
  'InvalidParameter.PublishEnv': {
    status: 400,
    message: 'The PublishEnv is not valid: it is prod or staging. {Detail}',
    advice: 'Send PublishEnv=prod or PublishEnv=staging.',
  },
  'InvalidParameter.Percentage': {
    status: 400,
    message: 'The Percentage is not valid. {Detail}',
    advice: 'Send a whole number from 1 to 100, or leave Percentage out for everything.',
  },
  NameAlreadyExists: {
    status: 400,
    message: 'The name {Name} already exists.',
    advice: 'Choose another name, or delete its present owner.',
  },
  ParameterAlreadyExist: {
    status: 400,
    message: 'A value that has to be unique is repeated. {Detail}',
    advice: 'Change one of the two values the message names.',
  },
  InternalException: {
    status: 400,
    message: 'The request cannot be carried out in the present state. {Detail}',
    advice: 'Look at the state with GetEdgeContainerAppStatus, then do what the message says.',
  },
  'InvalidApp.NotFound': {
    status: 404,
    message: 'The application {AppId} does not exist.',
    advice: 'List the applications with ListEdgeContainerApps.',
  },
  'InvalidVersion.NotFound': {
    status: 404,
    message: 'The application {AppId} has no version {VersionId}.',
    advice: 'List the versions with ListEdgeContainerAppVersions.',
  },
  SiteNotFound: {
    status: 404,
    message: 'The site {SiteId} does not exist.',
    advice: 'List the sites with ListSites.',
  },
  // What the vendor answers for every record call without SiteId; here only when no site can be found for the domain.
  SiteNotNamed: {
    code: 'InternalError',
    status: 400,
    message: 'SiteId was left out, and no site of the account holds the domain {RecordName}.',
    advice: 'Send SiteId, or create the site first.',
  },
  'Record.AlreadyExist': {
    status: 403,
    message: 'The application {AppId} still has domains bound to it, {RecordName} among them.',
    advice: 'Unbind them with DeleteEdgeContainerAppRecord first.',
  },
  'EdgeContainer.HasOpened': {
    status: 400,
    message: 'Edge containers are active already; an own installation needs no activation.',
    advice: 'Go on: nothing has to be done.',
  },
  // Temporary, so it may be a 5xx, which clients try again.
  StagingUnreachable: {
    code: 'InternalError',
    status: 500,
    message: 'The node of the staging instance cannot be asked right now. {Detail}',
    advice: 'Try again when the node is back; ListNodes shows whether it is online.',
  },
})
