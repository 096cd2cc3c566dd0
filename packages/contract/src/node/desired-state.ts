// What the server tells a node: the whole desired state, numbered. Private to Littoral; written by the server's loops,
// read by the agent. A node never learns anything that is not in here.
import Type, { type Static } from 'typebox'

const Text = (maxLength: number) => Type.String({ maxLength })
const Port = Type.Integer({ minimum: 1, maximum: 65535 })

/** Readiness probe with every default already applied; times in seconds. */
export const Probe = Type.Object({
  type: Type.Union([Type.Literal('exec'), Type.Literal('tcpSocket'), Type.Literal('httpGet')]),
  command: Type.Optional(Type.Array(Text(4096), { maxItems: 256 })),
  port: Type.Optional(Port),
  host: Type.Optional(Text(255)),
  path: Type.Optional(Text(4096)),
  scheme: Type.Optional(Type.Union([Type.Literal('http'), Type.Literal('https')])),
  headers: Type.Optional(Type.Array(Type.Object({ name: Text(256), value: Text(4096) }), { maxItems: 64 })),
  initialDelaySeconds: Type.Integer({ minimum: 0 }),
  timeoutSeconds: Type.Integer({ minimum: 1 }),
  periodSeconds: Type.Integer({ minimum: 1 }),
  successThreshold: Type.Integer({ minimum: 1 }),
  failureThreshold: Type.Integer({ minimum: 1 }),
})
export type Probe = Static<typeof Probe>

/** One container of a group. Command replaces the image's entry point, args its arguments; no shell is involved. */
export const GroupContainer = Type.Object({
  name: Text(63),
  image: Text(1024),
  /** What the tag of `image` stood for when the version was made; this is what runs. No part of the workload's digest. */
  imageDigest: Type.Optional(Type.String({ pattern: '^sha256:[0-9a-f]{64}$' })),
  cpus: Type.Number({ exclusiveMinimum: 0 }),
  memoryBytes: Type.Integer({ minimum: 1 }),
  storageBytes: Type.Integer({ minimum: 1 }),
  command: Type.Optional(Type.Array(Text(4096), { maxItems: 256 })),
  args: Type.Optional(Type.Array(Text(4096), { maxItems: 256 })),
  env: Type.Array(Type.Object({ name: Text(256), value: Text(65536) }), { maxItems: 512 }),
  postStart: Type.Optional(Type.Array(Text(4096), { maxItems: 256 })),
  preStop: Type.Optional(Type.Array(Text(4096), { maxItems: 256 })),
  probe: Type.Optional(Probe),
})
export type GroupContainer = Static<typeof GroupContainer>

/**
 * A port of the node that leads into the group. `fallback`: the node takes any free one instead and leaves this one alone, for
 * staging, which must not take the port of production on the same node.
 */
export const GroupPort = Type.Object({
  servicePort: Port,
  targetPort: Port,
  fallback: Type.Boolean(),
})
export type GroupPort = Static<typeof GroupPort>

/**
 * How long a node that lost contact after this change waits before it goes back to the version before; absent: it never does. No
 * part of the digest.
 */
const ConfirmSeconds = Type.Integer({ minimum: 1, maximum: 604_800 })

/** An app version as a co-scheduled group of containers that share a network namespace. */
export const GroupWorkload = Type.Object({
  kind: Type.Literal('group'),
  key: Text(200),
  version: Text(128),
  digest: Text(64),
  appId: Text(64),
  environment: Type.Union([Type.Literal('prod'), Type.Literal('staging')]),
  containers: Type.Array(GroupContainer, { minItems: 1, maxItems: 64 }),
  ports: Type.Array(GroupPort, { maxItems: 64 }),
  /** Seconds an old group gets to finish open connections and its preStop hook before it is killed. */
  graceSeconds: Type.Integer({ minimum: 0, maximum: 3600 }),
  /** Another value asks the node to make the group anew even though version and digest are the same. */
  restartToken: Type.Optional(Text(64)),
  /** How long the group has to stay ready before the one it replaces is stopped. Not part of the digest. */
  bakeSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 604_800 })),
  /** What is to be collected from the containers: standard output, and files by a pattern or none. Not part of the digest. */
  logs: Type.Optional(Type.Object({ stdout: Type.Boolean(), path: Text(1024) })),
  confirmSeconds: Type.Optional(ConfirmSeconds),
})
export type GroupWorkload = Static<typeof GroupWorkload>

export const DriverContainer = Type.Object({
  privileged: Type.Boolean(),
  hostNetwork: Type.Boolean(),
  ports: Type.Array(
    Type.Object({ hostPort: Port, containerPort: Port, protocol: Type.Union([Type.Literal('tcp'), Type.Literal('udp')]) }),
    { maxItems: 10 },
  ),
  devices: Type.Array(Type.Object({ hostPath: Text(128), permission: Type.Union([Type.Literal('ro'), Type.Literal('rw')]) }), {
    maxItems: 10,
  }),
  volumes: Type.Array(
    Type.Object({ hostPath: Text(128), containerPath: Text(128), permission: Type.Union([Type.Literal('ro'), Type.Literal('rw')]) }),
    { maxItems: 10 },
  ),
})
export type DriverContainer = Static<typeof DriverContainer>

/** A driver version as a supervised process, or as a container where `container` is present. */
export const DriverWorkload = Type.Object({
  kind: Type.Literal('driver'),
  key: Text(200),
  version: Text(128),
  digest: Text(64),
  driverId: Text(64),
  driverName: Text(256),
  runtime: Type.Union([Type.Literal('nodejs8'), Type.Literal('python3'), Type.Literal('c'), Type.Literal('java8')]),
  cpuArch: Type.Optional(Text(32)),
  edgeVersion: Text(64),
  /** The code package; absent for a built-in driver, whose code lies on the gateway. */
  package: Type.Optional(
    Type.Object({
      /** Path on the server, fetched with the node's own credential; never an absolute address. */
      path: Text(2048),
      sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
      sizeBytes: Type.Integer({ minimum: 1 }),
    }),
  ),
  /** JVM options, already split. */
  arguments: Type.Array(Text(4096), { maxItems: 256 }),
  /**
   * Exactly what the driver is handed (contract: iot-edge §8): {"config":{json,kv,fileList,…},"deviceList":[…]} as JSON
   * text. A change of it alone does not restart the driver.
   */
  config: Text(4_000_000),
  /** Config files (Format FILE) to place into the driver's folder before it starts. */
  files: Type.Array(Type.Object({ name: Text(255), path: Text(2048), sha256: Text(64), sizeBytes: Type.Integer({ minimum: 0 }) }), {
    maxItems: 64,
  }),
  container: Type.Optional(DriverContainer),
  confirmSeconds: Type.Optional(ConfirmSeconds),
  /** Another value asks a node that went back from this very version to try it once more. Not part of the digest. */
  trialId: Type.Optional(Text(64)),
})
export type DriverWorkload = Static<typeof DriverWorkload>

export const Workload = Type.Union([GroupWorkload, DriverWorkload])
export type Workload = Static<typeof Workload>

/**
 * What a gateway keeps of its edge instance without carrying it out: so what was deployed is on the gateway's own disk, for
 * programs there and for whoever looks.
 */
export const Binding = Type.Object({
  kind: Type.Union([Type.Literal('application'), Type.Literal('message_route'), Type.Literal('scene_rule'), Type.Literal('role')]),
  instanceId: Text(64),
  id: Text(256),
  name: Text(256),
  /** What is set of it, as JSON text. */
  content: Text(16_384),
})
export type Binding = Static<typeof Binding>

export const DesiredState = Type.Object({
  /** Counts up by at least one with every change; a node refuses an older one than it has. */
  generation: Type.Integer({ minimum: 0 }),
  workloads: Type.Array(Workload, { maxItems: 2000 }),
  bindings: Type.Optional(Type.Array(Binding, { maxItems: 2000 })),
})
export type DesiredState = Static<typeof DesiredState>
