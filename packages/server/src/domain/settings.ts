// What an operator decided about this installation. Read from the environment by config.ts, passed to every rule that
// needs it; each default is meant to be right for everyone.
export interface Settings {
  /** False for emulator use: no call is ever throttled. */
  readonly isThrottled: boolean
  /** True: ServicePort may only be 80 or 443, as the vendor's newest metadata says (contract: esa §12.4). */
  readonly hasStrictServicePorts: boolean
  /** True: a container may leave out IsACRImage and Storage, as the vendor's own sample does (contract: esa §12.5). */
  readonly isContainerLenient: boolean
  /** True: an unreleased driver version may be bound (contract: iot §12.1). */
  readonly mayBindUnreleased: boolean
  /** Regions of this installation: province-style code and its area (contract: esa §12.2). */
  readonly regions: readonly { readonly code: string; readonly area: string; readonly isp?: string }[]
  /** How often nodes and server make sure of each other; a node is lost after three silent ones. */
  readonly heartbeatMs: number
  /** How long a deployment may take from the moment its gateway is told (contract: iot-edge §12.14). */
  readonly deploymentTimeoutMs: number
  /** How long a gateway may be without contact after a deployment before it goes back from what it got; 0: it never does. */
  readonly driverConfirmSeconds: number
  /** How often nodes tell what their workloads use. */
  readonly statsEveryMs: number
  /** False: no terminal is ever opened. */
  readonly hasTerminals: boolean
  /** A terminal in which nothing is typed for this long is closed. */
  readonly terminalIdleMs: number
  /** How long the audit trail is kept. */
  readonly auditKeptMs: number
  /** How long objects that nothing uses are kept; 0: for ever. */
  readonly leftoversKeptMs: number
  /** Registries, as host or host:port, that are spoken to without TLS; those on the loopback always are. */
  readonly plainRegistries: readonly string[]
  /** The registry that an image without one in its name comes from; absent: no registry is asked about such a name. */
  readonly defaultRegistry?: string
  /** Where nodes without a sink of their own take what they collect; checked, and kept as it was written. */
  readonly logSink?: { readonly address: string; readonly headers?: string }
  readonly limits: {
    readonly apps: number
    readonly versionsPerApp: number
    readonly containersPerVersion: number
    readonly sites: number
    readonly recordsPerApp: number
    readonly imageSecretsPerApp: number
    readonly drivers: number
    readonly versionsPerDriver: number
    readonly instances: number
    readonly driversPerInstance: number
    readonly devicesPerInstance: number
    readonly channelsPerInstance: number
    readonly routesPerInstance: number
    readonly sceneRulesPerInstance: number
    readonly applicationsPerInstance: number
    readonly packageBytes: number
  }
}

export const defaultSettings: Settings = {
  isThrottled: true,
  hasStrictServicePorts: false,
  isContainerLenient: false,
  mayBindUnreleased: false,
  regions: [{ code: 'zhejiang', area: 'huadong' }],
  heartbeatMs: 10_000,
  deploymentTimeoutMs: 10 * 60_000,
  driverConfirmSeconds: 600,
  statsEveryMs: 15_000,
  hasTerminals: true,
  terminalIdleMs: 15 * 60_000,
  auditKeptMs: 400 * 24 * 3600 * 1000,
  leftoversKeptMs: 30 * 24 * 3600 * 1000,
  plainRegistries: [],
  defaultRegistry: 'docker.io',
  limits: {
    apps: 100,
    versionsPerApp: 100,
    containersPerVersion: 10,
    sites: 100,
    recordsPerApp: 50,
    imageSecretsPerApp: 20,
    drivers: 50,
    versionsPerDriver: 10,
    instances: 100_000,
    driversPerInstance: 30,
    devicesPerInstance: 1000,
    channelsPerInstance: 512,
    routesPerInstance: 30,
    sceneRulesPerInstance: 30,
    applicationsPerInstance: 30,
    packageBytes: 50 * 1024 * 1024,
  },
}
