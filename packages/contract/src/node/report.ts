// What a node tells the server: who it is, and what it really saw of each workload. A report never claims more than was
// observed for exactly (version, digest).
import Type, { type Static } from 'typebox'

const Text = (maxLength: number) => Type.String({ maxLength })

/**
 * pending: accepted, nothing done yet · preparing: pulling images, downloading the package · starting: created, probes
 * not passed yet · ready: running and its probes passed · unready: was ready, probes fail now · backoff: exited, waiting
 * before the next start · failed: cannot run as specified; a newer desired state is needed, or the named cause removed ·
 * stopping: draining · gone: removed from the node.
 */
export const Phase = Type.Enum(['pending', 'preparing', 'starting', 'ready', 'unready', 'backoff', 'failed', 'stopping', 'gone'])
export type Phase = Static<typeof Phase>

/** Why a workload is in its phase; `code` is a CamelCase word such as ImagePullFailed, PortInUse, ExitedEarly. */
export const Reason = Type.Object({ code: Text(64), message: Text(2000) })
export type Reason = Static<typeof Reason>

/** How far the material of a workload is: one image or one package at a time. Bytes count what goes over the network. */
export const Progress = Type.Object({
  /** A container's name where an image is pulled for it, else the name of the package or file. */
  subject: Text(128),
  image: Type.Optional(Text(1024)),
  layersDone: Type.Optional(Type.Integer({ minimum: 0 })),
  layersTotal: Type.Optional(Type.Integer({ minimum: 0 })),
  doneBytes: Type.Integer({ minimum: 0 }),
  /** Absent until the size of everything is known. */
  totalBytes: Type.Optional(Type.Integer({ minimum: 0 })),
})
export type Progress = Static<typeof Progress>

export const ContainerReport = Type.Object({
  name: Text(63),
  state: Type.Union([Type.Literal('waiting'), Type.Literal('running'), Type.Literal('exited')]),
  isReady: Type.Boolean(),
  restarts: Type.Integer({ minimum: 0 }),
  exitCode: Type.Optional(Type.Integer()),
  isOutOfMemory: Type.Optional(Type.Boolean()),
  image: Type.Optional(Text(1024)),
  /** Digest of the image that really runs. */
  imageDigest: Type.Optional(Text(128)),
  startedAtMs: Type.Optional(Type.Integer()),
})
export type ContainerReport = Static<typeof ContainerReport>

/** Where a port of the workload can be reached right now. */
export const Address = Type.Object({
  host: Text(255),
  port: Type.Integer({ minimum: 1, maximum: 65535 }),
  servicePort: Type.Integer({ minimum: 1, maximum: 65535 }),
})
export type Address = Static<typeof Address>

/** A version that this node went back from by itself, told until a version of the workload was confirmed again. */
export const Retreat = Type.Object({
  /** Another one for every time it went back. */
  id: Text(64),
  version: Text(128),
  digest: Text(64),
  reason: Reason,
  /** By the clock of the node. */
  atMs: Type.Integer(),
  /** Of the driver's deployment. */
  trialId: Type.Optional(Text(64)),
})
export type Retreat = Static<typeof Retreat>

/** A named state of the node itself, such as DiskFull, which stands as long as it is told. */
export const NodeCondition = Type.Object({ code: Text(64), message: Text(2000), sinceMs: Type.Integer() })
export type NodeCondition = Static<typeof NodeCondition>

export const WorkloadReport = Type.Object({
  key: Text(200),
  version: Text(128),
  digest: Text(64),
  phase: Phase,
  reason: Type.Optional(Reason),
  /** The running instance (container group or process) this was observed on; absent while there is none. */
  instanceId: Type.Optional(Text(128)),
  createdAtMs: Type.Optional(Type.Integer()),
  restarts: Type.Integer({ minimum: 0 }),
  lastRestartReason: Type.Optional(Text(64)),
  addresses: Type.Array(Address, { maxItems: 64 }),
  containers: Type.Array(ContainerReport, { maxItems: 64 }),
  /** While a new version is not ready yet: the version that still serves. */
  serving: Type.Optional(Type.Object({ version: Text(128), digest: Text(64), instanceId: Text(128) })),
  retreat: Type.Optional(Retreat),
  /** While it is being brought here. */
  progress: Type.Optional(Progress),
  /** When the node tries again what failed, by the node's clock; absent while nothing waits. */
  nextAttemptAtMs: Type.Optional(Type.Integer()),
  /** How often in a row that has failed. */
  failedAttempts: Type.Optional(Type.Integer({ minimum: 1 })),
  observedAtMs: Type.Integer(),
})
export type WorkloadReport = Static<typeof WorkloadReport>

export const Report = Type.Object({
  /** The generation of the desired state that the node has accepted. */
  generation: Type.Integer({ minimum: 0 }),
  /** True: these are all workloads of the node; anything else the server knew of is gone. */
  isComplete: Type.Boolean(),
  workloads: Type.Array(WorkloadReport, { maxItems: 2000 }),
  /** All conditions of the node; absent: as told before. The first report of a connection has them. */
  conditions: Type.Optional(Type.Array(NodeCondition, { maxItems: 64 })),
})
export type Report = Static<typeof Report>

/** What a node says of itself when it connects. */
export const NodeFacts = Type.Object({
  name: Text(128),
  agentVersion: Text(64),
  /** The edge version that driver versions are compared with. */
  edgeVersion: Text(64),
  os: Text(64),
  arch: Text(64),
  region: Text(64),
  environments: Type.Array(Type.Union([Type.Literal('prod'), Type.Literal('staging')]), { minItems: 1, maxItems: 2 }),
  runtimes: Type.Array(
    Type.Object({
      name: Text(32),
      version: Type.Optional(Text(64)),
      isAvailable: Type.Boolean(),
      reason: Type.Optional(Text(500)),
      /** Who keeps containers within their storage: the engine itself, or the agent, which measures and ends what is over it. */
      storageLimit: Type.Optional(Type.Union([Type.Literal('engine'), Type.Literal('agent')])),
    }),
    {
      maxItems: 16,
    },
  ),
  /** Interpreters found for driver processes, such as nodejs8, python3. */
  driverRuntimes: Type.Array(Text(32), { maxItems: 16 }),
  /** What they say they are, such as openjdk 17.0.12. */
  driverRuntimeVersions: Type.Optional(Type.Array(Type.Object({ name: Text(32), version: Text(64) }), { maxItems: 16 })),
  cpus: Type.Number(),
  memoryBytes: Type.Integer({ minimum: 0 }),
  address: Text(255),
  /** X25519, 32 bytes in base64url: secrets for this node are sealed to it. */
  sealKey: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' })),
})
export type NodeFacts = Static<typeof NodeFacts>
