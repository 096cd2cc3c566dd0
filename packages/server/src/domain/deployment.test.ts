import { Fault } from '@littoral/contract/errors'
import { describe, expect, it } from 'vitest'
import {
  checkDeployable,
  type Deployment,
  type DeploymentView,
  deviceTimeoutMs,
  newSnapshot,
  planDeployment,
  taskStage,
} from './deployment.ts'
import type { Driver } from './driver.ts'
import type { DriverVersion } from './driver-version.ts'
import { type AssignedDriver, driverKey, newDriverWorkload } from './driver-workload.ts'

const driver: Driver = {
  id: 'd1',
  accountId: '1',
  name: 'Led',
  protocol: 'customize',
  runtime: 'nodejs8',
  isBuiltIn: false,
  type: 1,
  createdAtMs: 0,
  modifiedAtMs: 0,
}
const version: DriverVersion = {
  driverId: 'd1',
  accountId: '1',
  version: '1.0.0',
  edgeVersion: '2.4.0',
  isReleased: true,
  configs: [],
  package: { sha256: 'ab'.repeat(32), sizeBytes: 9 },
  createdAtMs: 0,
  modifiedAtMs: 0,
}
const assigned: AssignedDriver = { instanceId: 'i1', spec: 20, driver, version, configs: [], devices: [], channels: [] }
const device = { productKey: 'pk', deviceName: 'dn' }

describe('the workload of an assigned driver', () => {
  it('is a process on the standard tier and a container on the professional one', () => {
    expect(newDriverWorkload(assigned)).not.toHaveProperty('container')
    const defaults = { privileged: false, hostNetwork: false, ports: [], devices: [], volumes: [] }
    expect(newDriverWorkload({ ...assigned, spec: 30 }).container).toEqual(defaults)
  })

  it('is a container wherever the version says how', () => {
    const port = { hostPort: 1, containerPort: 2, protocol: 'udp' as const }
    const container = {
      hostNetworkMode: 0,
      portMappings: [port],
      devMappings: [{ hostPath: '/dev/a', permission: 'rw' as const, comment: 'c' }],
    }
    const { container: made } = newDriverWorkload({ ...assigned, version: { ...version, container } })
    expect(made).toMatchObject({ ports: [port], devices: [{ hostPath: '/dev/a', permission: 'rw' }] })
    const open = { ...container, hostNetworkMode: 1, privileged: 1 }
    expect(newDriverWorkload({ ...assigned, version: { ...version, container: open } }).container).toMatchObject({ ports: [], devices: [] })
  })

  it('hands the driver only the formats in use, and device configurations as text', () => {
    const config = (over: Partial<AssignedDriver>) => JSON.parse(newDriverWorkload({ ...assigned, ...over }).config)
    expect(config({})).toEqual({ config: {}, deviceList: [] })
    const json = { format: 'JSON' as const, content: '{"test":123}' }
    const kv = { format: 'KV' as const, content: '{"kv":[{"key":"ip","value":"1"}]}' }
    const file = { format: 'FILE' as const, content: 'http://x', file: { name: 'c.json', sha256: 'cd'.repeat(32), sizeBytes: 1 } }
    const devices = [
      { ...device, config: '{"ip":"1"}' },
      { ...device, deviceName: 'bare' },
    ]
    expect(config({ configs: [json, kv, file, { ...json, content: '{"more":1}' }], devices })).toEqual({
      config: { json: { test: 123, more: 1 }, kv: [{ key: 'ip', value: '1' }], fileList: [{ path: 'c.json' }] },
      deviceList: [
        { productKey: 'pk', deviceName: 'dn', custom: '{"ip":"1"}' },
        { productKey: 'pk', deviceName: 'bare' },
      ],
    })
  })

  it("prefers the instance's configuration over the version's default", () => {
    const byDefault = { ...version, configs: [{ format: 'JSON' as const, content: '1' }] }
    const config = (over: Partial<AssignedDriver>) =>
      JSON.parse(newDriverWorkload({ ...assigned, version: byDefault, ...over }).config).config
    expect(config({})).toEqual({ json: 1 })
    expect(config({ configs: [{ format: 'JSON', content: '2' }] })).toEqual({ json: 2 })
  })

  it('has its JVM options split for Java and none for others', () => {
    const argument = `-Xmx64m -Dname="two words" -D'x y'=1`
    const java = { ...assigned, driver: { ...driver, runtime: 'java8' as const }, version: { ...version, argument } }
    expect(newDriverWorkload(java).arguments).toEqual(['-Xmx64m', '-Dname=two words', '-Dx y=1'])
    expect(newDriverWorkload({ ...assigned, version: { ...version, argument } }).arguments).toEqual([])
  })

  it('changes its digest with its content', () => {
    const other = newDriverWorkload({ ...assigned, version: { ...version, package: { sha256: 'cd'.repeat(32), sizeBytes: 9 } } })
    expect(other.digest).not.toBe(newDriverWorkload(assigned).digest)
    expect(other.package?.path).toBe(`/node/v1/objects/${'cd'.repeat(32)}`)
  })
})

describe('what may be deployed', () => {
  const code = (over: Partial<AssignedDriver>, edgeVersion?: string) => {
    try {
      checkDeployable([{ ...assigned, ...over }], edgeVersion)
    } catch (error) {
      return (error as Fault).code
    }
    return 'Success'
  }
  const ruled = (driverConfig: boolean, deviceConfig: boolean): DriverVersion => ({
    ...version,
    checkRule: { driverConfig: { required: driverConfig }, deviceConfig: { required: deviceConfig } },
  })

  it('asks for a driver configuration once the driver has devices; a default one satisfies', () => {
    expect(code({ version: ruled(true, false) })).toBe('Success')
    expect(code({ version: ruled(true, false), devices: [device] })).toBe('iot.edge.DriverConfigRequired')
    const byDefault = { ...ruled(true, false), configs: [{ format: 'JSON' as const, content: '1' }] }
    expect(code({ version: byDefault, devices: [device] })).toBe('Success')
  })

  it('asks for a configuration of every device', () => {
    const configured = { ...device, config: '{}' }
    expect(code({ version: ruled(false, true), devices: [configured, device] })).toBe('iot.edge.DeviceConfigRequired')
    expect(code({ version: ruled(false, true), devices: [configured] })).toBe('Success')
  })

  it('refuses a gateway known to be too old, by number, and waits for an unknown one', () => {
    expect(code({}, '2.3.9')).toBe('iot.edge.EdgeVersionUnsupported')
    expect(code({}, 'v2.10')).toBe('Success')
    expect(code({})).toBe('Success')
  })
})

describe('planning a deployment', () => {
  const workload = newDriverWorkload(assigned)
  const workloadKey = driverKey('i1', 'd1')
  const about = { id: 's1', resourceType: 'driver' as const, resourceId: 'd1', resourceName: 'Led', workloadKey }
  const deployed = newSnapshot({ ...about, operateType: 0, workload }, 1)
  const configured = newSnapshot({ ...about, id: 's2', resourceType: 'driver_config', operateType: 0 }, 1)
  const removed = newSnapshot({ ...about, id: 's3', operateType: 1, workloadKey: driverKey('i1', 'old') }, 1)
  const timeoutMs = 600_000
  const node = { isOnline: true, edgeVersion: '2.9.7', arch: 'x64', generation: 3, acceptedGeneration: 3 }
  const job = (snapshots: Deployment['snapshots']): Deployment => ({
    id: 'j1',
    accountId: '1',
    instanceId: 'i1',
    type: 'deploy',
    status: 0,
    gatewayIotId: 'g1',
    taskId: 't1',
    snapshots,
    createdAtMs: 1,
    modifiedAtMs: 1,
  })
  type Reports = DeploymentView['reports']
  const none: Reports = new Map()
  const report = (fields: object = {}): Reports =>
    new Map([[workloadKey, { version: '1.0.0', digest: workload.digest, phase: 'ready' as const, restarts: 0, ...fields }]])

  const next = (deployment: Deployment, view: Partial<DeploymentView> = {}, nowMs = 10) =>
    planDeployment({ deployment, reports: none, ...view }, nowMs, timeoutMs)
  const packed = (snapshots: Deployment['snapshots'] = [deployed, configured]) => next(job(snapshots))!.deployment
  const dispatched = (snapshots?: Deployment['snapshots']) => next(packed(snapshots), { node })!.deployment
  const stages = ({ snapshots }: Deployment) => snapshots.map(({ status, stage }) => `${status}/${stage}`)

  it('goes from created to dispatched to finished, with one line of log per stage', () => {
    expect(stages(packed())).toEqual(['1/16', '1/16'])
    const plan = next(packed(), { node })!
    expect(plan.assign).toEqual([workload])
    expect(stages(plan.deployment)).toEqual(['1/24', '1/24'])
    const end = next(plan.deployment, { node, reports: report() })!.deployment
    expect(stages(end)).toEqual(['2/32', '2/32'])
    expect(end).toMatchObject({ status: 2, completedAtMs: 10 })
    expect(end.snapshots[0]?.log.map(({ stage, message, code }) => `${stage} ${code} ${message}`)).toEqual([
      '0 0 init success',
      '8 0 assembly success',
      '16 0 package success',
      '32 0 download success',
    ])
    expect(end.snapshots[1]?.log[0]).toEqual({
      resourceId: 'd1',
      code: '0',
      stage: 0,
      level: 'INFO',
      message: 'init success',
      resourceType: 'DRIVER_CONFIG',
      timestamp: 1,
    })
    expect(next(end, {}, 11)).toBeUndefined()
  })

  it('waits for a gateway that is not there, however long', () => {
    expect(next(packed(), {}, 10 ** 12)).toBeUndefined()
    expect(next(packed(), { node: { ...node, isOnline: false } }, 10 ** 12)).toBeUndefined()
  })

  it.each([
    ['another version', { version: '0.9' }],
    ['another digest', { digest: 'x' }],
    ['a driver that is starting', { phase: 'starting' }],
    ['a driver that ended once', { phase: 'backoff', restarts: 1 }],
  ])('does not take a report of %s for the end', (_, fields) => {
    expect(next(dispatched(), { node, reports: report(fields) })).toBeUndefined()
  })

  it('fails with the reason the node gives, for everything that is part of the driver', () => {
    const reason = { code: 'RuntimeMissing', message: 'no node found' }
    const end = next(dispatched(), { node, reports: report({ phase: 'failed', reason }) })!.deployment
    expect(end.status).toBe(3)
    expect(stages(end)).toEqual(['3/24', '3/24'])
    expect(end.snapshots[0]?.log.at(-1)).toMatchObject({ code: '1', level: 'ERROR', stage: 24, message: 'RuntimeMissing: no node found' })
  })

  it('fails what the gateway went back from in this very deployment', () => {
    const reason = { code: 'ContactLost', message: 'contact was lost' }
    const wentBack = (trialId: string) => {
      const retreat = { id: 'r1', version: '1.0.0', digest: workload.digest, reason, atMs: 5, trialId }
      return report({ version: '0.9', digest: 'x', retreat })
    }
    expect(next(dispatched(), { node, reports: wentBack('j0') })).toBeUndefined()
    const end = next(dispatched(), { node, reports: wentBack('j1') })!.deployment
    expect(stages(end)).toEqual(['3/24', '3/24'])
    expect(end.snapshots[0]?.log.at(-1)?.message).toBe('ContactLost: contact was lost')
  })

  it('fails a driver that keeps ending', () => {
    const end = next(dispatched(), { node, reports: report({ phase: 'backoff', restarts: 5 }) })!.deployment
    expect(end.snapshots[0]?.log.at(-1)?.message).toBe('the driver keeps ending: backoff')
  })

  it('fails what was not reported in time after dispatch, not earlier', () => {
    const deployment = dispatched()
    expect(next(deployment, { node }, 10 + timeoutMs - 1)).toBeUndefined()
    const end = next(deployment, { node }, 10 + timeoutMs)!.deployment
    expect(end.snapshots[0]?.log.at(-1)?.message).toMatch(/^timed out/)
  })

  it('says at once which device the gateway waits for, and is refused for it after a minute', () => {
    const reason = { code: 'DeviceMissing', message: 'waiting for /dev/ttyS9' }
    const reports = report({ phase: 'starting', reason })
    const told = next(dispatched(), { node, reports })!.deployment
    expect(told.status).toBe(1)
    expect(told.snapshots[0]?.log.at(-1)).toMatchObject({ stage: 24, level: 'INFO', message: 'DeviceMissing: waiting for /dev/ttyS9' })
    expect(next(told, { node, reports })).toBeUndefined()
    const end = next(told, { node, reports }, (told.dispatchedAtMs ?? 0) + deviceTimeoutMs)!.deployment
    expect(end.status).toBe(3)
    expect(end.snapshots[0]?.log.at(-1)).toMatchObject({ code: '1', message: 'DeviceMissing: waiting for /dev/ttyS9' })
    expect(next(told, { node, reports: report({ phase: 'ready' }) })!.deployment.status).toBe(2)
  })

  it('assigns nothing to a gateway that turns out too old or of another architecture', () => {
    const old = next(packed(), { node: { ...node, edgeVersion: '2.3' } })!
    expect(old.assign).toEqual([])
    expect(old.deployment).toMatchObject({ status: 3 })
    expect(old.deployment.snapshots[0]?.log.at(-1)?.message).toBe('the gateway has edge version 2.3, the driver needs 2.4.0')
    const compiled = { ...assigned, driver: { ...driver, runtime: 'c' as const, cpuArch: 'aarch64' } }
    const foreign = newSnapshot({ ...about, operateType: 0, workload: newDriverWorkload(compiled) }, 1)
    expect(next(packed([foreign]), { node })?.deployment.status).toBe(3)
    expect(next(packed([foreign]), { node: { ...node, arch: 'arm64' } })?.assign).toHaveLength(1)
  })

  it('carries on with the other drivers when one fails, and fails as a whole in the end', () => {
    const secondKey = driverKey('i1', 'd2')
    const second = newSnapshot({ ...about, id: 's9', operateType: 0, workloadKey: secondKey, workload: { ...workload, key: secondKey } }, 1)
    const halfway = next(dispatched([deployed, second]), { node, reports: report({ phase: 'failed' }) })!.deployment
    expect(halfway.status).toBe(1)
    expect(stages(halfway)).toEqual(['3/24', '1/24'])
    const ready = { version: '1.0.0', digest: workload.digest, phase: 'ready' as const, restarts: 0 }
    expect(next(halfway, { node, reports: new Map([[secondKey, ready]]) })!.deployment.status).toBe(3)
  })

  it('takes a removed driver off and waits until the node has accepted that and has nothing left', () => {
    const plan = next(packed([removed]), { node })!
    expect(plan.unassign).toEqual([driverKey('i1', 'old')])
    const key = driverKey('i1', 'old')
    const left = (phase: 'ready' | 'gone'): Reports => new Map([[key, { version: '1', digest: '', phase, restarts: 0 }]])
    expect(next(plan.deployment, { node: { ...node, generation: 4 } })).toBeUndefined()
    expect(next(plan.deployment, { node, reports: left('ready') })).toBeUndefined()
    expect(next(plan.deployment, { node, reports: left('gone') })!.deployment.status).toBe(2)
    expect(next(plan.deployment, { node })!.deployment.snapshots[0]?.log.at(-1)?.message).toBe('removal success')
  })

  it('is dispatched at once where the gateway is there, with a line for every stage', () => {
    const plan = next(job([deployed]), { node })!
    expect(plan.assign).toEqual([workload])
    expect(plan.deployment).toMatchObject({ status: 1, dispatchedAtMs: 10 })
    expect(plan.deployment.snapshots[0]?.log.map(({ stage }) => stage)).toEqual([0, 8, 16])
  })

  it('has the gateway keep what it does not carry out, and waits until it has accepted that', () => {
    const route = { resourceType: 'message_route' as const, resourceId: '7', resourceName: 'to the cloud', content: '{"qos":0}' }
    const kept = newSnapshot({ ...route, id: 's4', operateType: 0 }, 1)
    const plan = next(packed([kept]), { node })!
    expect(plan.bindings).toEqual([{ kind: 'message_route', instanceId: 'i1', id: '7', name: 'to the cloud', content: '{"qos":0}' }])
    expect(stages(plan.deployment)).toEqual(['1/24'])
    const told = { ...node, generation: 4 }
    expect(next(plan.deployment, { node: told })).toBeUndefined()
    const end = next(plan.deployment, { node: { ...told, acceptedGeneration: 4 } })!.deployment
    expect(end.snapshots[0]?.log.at(-1)?.message).toBe('stored on the gateway, which carries out nothing of it')
    const late = next(plan.deployment, { node: told }, 10 + timeoutMs)!.deployment
    expect(late.snapshots[0]?.log.at(-1)?.message).toBe('timed out: the gateway did not say that it has what it was told')
  })

  it('has the gateway keep nothing any more after a reset', () => {
    const gone = newSnapshot({ id: 's5', resourceType: 'role', resourceId: 'r', resourceName: 'Edge', operateType: 1 }, 1)
    expect(next({ ...job([gone]), type: 'reset' }, { node })!.bindings).toEqual([])
  })

  it('ends an empty job as soon as the gateway is there', () => {
    expect(next(packed([]), {})).toBeUndefined()
    const end = next(packed([]), { node })!.deployment
    expect(end.status).toBe(2)
    expect(taskStage(end)).toBe(32)
  })
})
