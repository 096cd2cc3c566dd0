// Faults of Littoral's own family, and of the door nodes come in through.
import { faultEntries } from './entry.ts'

export const littoralFaults = faultEntries({
  'Node.NotFound': { status: 404, message: 'The node {NodeId} does not exist.', advice: 'List the nodes with ListNodes.' },
  'Node.Online': {
    status: 400,
    message: 'The node {NodeId} is online, and what it runs would go on without anybody knowing of it.',
    advice:
      'Stop its agent and what it runs; a node counts as offline half a heartbeat after its connection has closed, or once three of its heartbeats are missing.',
  },
  'Node.InvalidParameter': { status: 400, message: '{Detail}', advice: 'Correct the field the message names.' },
  'Node.WorkloadNotFound': {
    status: 404,
    message: 'The node {NodeId} is not to run {Workload}.',
    advice: 'Take the key from GetNode.',
  },
  'Node.Unreachable': {
    status: 503,
    message: 'The node {NodeId} cannot be reached right now. {Detail}',
    advice: 'Try again when ListNodes shows it online.',
  },
  'Node.SealKeyMissing': {
    status: 403,
    message: 'The node has not told the key to which its secrets are sealed.',
    advice: 'Upgrade its agent, and let it connect.',
  },
  'Incident.NotFound': {
    status: 404,
    message: 'The incident {IncidentId} does not exist.',
    advice: 'List incidents with ListIncidents; old ones are removed after a time.',
  },
  'Release.NotFound': {
    status: 404,
    message: 'The release {ReleaseId} does not exist.',
    advice: 'List the releases of an application with ListReleases.',
  },
  'Release.NotUnderWay': {
    status: 400,
    message: 'The release {ReleaseId} is {State}, so there is nothing to hold.',
    advice: 'Only the newest release of an environment can be paused, and only until it is through.',
  },
  'Release.NotHeld': {
    status: 400,
    message: 'The release {ReleaseId} is {State}, so there is nothing to resume.',
    advice: 'Only the newest release of an environment can be resumed, when it is paused or has stopped.',
  },
  'Node.RegionUnknown': {
    status: 400,
    message: 'Region: {Region} is none of this installation ({Regions}).',
    advice: 'Use one of the regions named, or add it to LITTORAL_REGIONS.',
  },
  'Node.Unauthenticated': {
    status: 401,
    message: 'The node could not be recognised: {Detail}.',
    advice: 'Start the agent with a join token, its own node folder, or the credentials of its gateway device.',
  },
  'Node.TokenRefused': {
    status: 403,
    message: 'The join token is unknown, used up or expired.',
    advice: 'Make a new one with CreateNodeToken.',
  },
  'Node.DownloadForbidden': {
    status: 403,
    message: 'The node has no workload that needs this object.',
    advice: 'A node may only download what its own desired state names.',
  },
  'Node.DownloadNotFound': {
    status: 404,
    message: 'The object is not stored here.',
    advice: 'Upload the package again and deploy once more.',
  },
  'Node.CredentialForbidden': {
    status: 403,
    message: 'The node runs no application with an image from this registry.',
    advice: 'A node only gets the image secrets that its own desired state needs.',
  },
  'Stream.TicketRefused': {
    status: 403,
    message: 'The ticket is unknown, used already, or expired.',
    advice: 'Ask for a new one: each opens one stream, within a minute.',
  },
  'Stream.Busy': { status: 503, message: 'Too many streams are open on this server.', advice: 'Close some, or try again later.' },
  'Stream.TerminalsOff': {
    status: 403,
    message: 'Terminals are switched off in this installation.',
    advice: 'Its operator can allow them with LITTORAL_TERMINAL.',
  },
  'Stream.NodeRequired': {
    status: 400,
    message: 'NodeId: {Key} is on more than one node ({Nodes}).',
    advice: 'Name one of the nodes.',
  },
  'Stream.WorkloadNotFound': {
    status: 404,
    message: 'No node has {Key}.',
    advice: 'List what a node has with GetNode.',
  },
  'Stream.NodeUnreachable': {
    status: 503,
    message: 'The node cannot be asked right now. {Detail}',
    advice: 'Try again when the node is back; ListNodes shows whether it is online.',
  },
  'Upgrade.NotFound': {
    status: 404,
    message: 'The upgrade {UpgradeId} does not exist.',
    advice: 'UpgradeNodes answers the name of the upgrade it starts.',
  },
  'Upgrade.NotRunning': {
    status: 400,
    message: 'The upgrade {UpgradeId} is {State} already.',
    advice: 'Only an upgrade that is running can be stopped.',
  },
  'Upgrade.VersionUnknown': {
    status: 400,
    message: 'AgentVersion: there is no agent {Version} on this server ({Versions}).',
    advice: 'ListAgentBundles shows the versions; npm run build makes the own one.',
  },
  'Upgrade.NoNodes': {
    status: 400,
    message: 'There is no node to upgrade.',
    advice: 'Name nodes that ListNodes shows, or a region that has some.',
  },
  'Node.BundleNotFound': {
    status: 404,
    message: 'There is no such agent on this server.',
    advice: 'ListAgentBundles shows the versions; npm run build makes the own one.',
  },
  'Node.Busy': { status: 503, message: 'Too many nodes are connecting at once.', advice: 'Try again after a pause.' },
})
