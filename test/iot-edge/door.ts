// Calls operations of the IoT family as a request would: checked at the door, handled, the answer and every fault compared
// with what the operation declares. And the few things most tests begin with. Used by tests beside the handlers.
import { Fault } from '@littoral/contract/errors'
import { family } from '@littoral/contract/iot-edge/index'
import { createRegistry } from '../../packages/server/src/http/registry.ts'
import { handlers } from '../../packages/server/src/operations/iot-edge/index.ts'
import { type TestContext, testContext, type TestContextOptions } from '../../packages/server/src/operations/test-context.ts'
import * as objects from '../../packages/server/src/store/iot-edge/objects.ts'
import * as nodes from '../../packages/server/src/store/nodes.ts'

// Answers are read field by field; their shape was checked against the declaration.
// oxlint-disable-next-line typescript/no-explicit-any
type Answer = any
export type Call = (action: string, input?: Record<string, unknown>, ctx?: TestContext) => Promise<Answer>

const registry = createRegistry([{ family, handlers }])

export interface Door {
  readonly ctx: TestContext
  readonly call: Call
  /** The code an operation answers. */
  code(action: string, input?: Record<string, unknown>, ctx?: TestContext): Promise<string>
  /** A driver, by default one in Node.js. */
  driver(name?: string, fields?: Record<string, unknown>): Promise<string>
  /** A released version of a driver with a package. */
  released(driverId: string, version?: string, fields?: Record<string, unknown>): Promise<void>
  /** An uploaded file; its plain address. */
  uploaded(driverId: string, fields?: Record<string, unknown>, sizeBytes?: number): Promise<string>
  instance(fields?: Record<string, unknown>): Promise<string>
  /** An instance with a released driver assigned. */
  assigned(): Promise<{ InstanceId: string; DriverId: string }>
  /** Devices of a product of their own, bound nowhere; their IotIds. */
  devices(count: number): Promise<string[]>
  /** A gateway device bound to the instance; its IotId. */
  gateway(instanceId: string, name?: string): Promise<string>
  /** The gateway's node, as if its agent had connected. */
  node(iotId: string, fields?: Partial<nodes.NodeRecord['facts']>): Promise<string>
}

export async function openDoor(options: TestContextOptions = {}): Promise<Door> {
  const ctx = await testContext(options)
  const call: Call = async (action, input = {}, as = ctx) => {
    const operation = registry.find(family.version, action)
    const { check, handle, checkOutput } = operation
    const refused = check(input)
    if (refused !== undefined) throw refused
    try {
      const output = await handle(input, as)
      const problem = checkOutput(output)
      if (problem !== undefined) throw new Error(`${action} answers what it does not declare: ${problem}`)
      return JSON.parse(JSON.stringify(output))
    } catch (error) {
      if (error instanceof Fault && !operation.mayAnswer(error.fault))
        throw new Error(`${action} does not declare ${error.fault}`, { cause: error })
      throw error
    }
  }
  const door: Door = {
    ctx,
    call,
    async code(action, input, as) {
      try {
        await call(action, input, as)
      } catch (error) {
        if (error instanceof Fault) return error.code
        throw error
      }
      return 'Success'
    },
    async driver(name = 'MyDriver', fields = {}) {
      return (await call('CreateEdgeDriver', { DriverName: name, DriverProtocol: 'customize', Runtime: 'nodejs8', ...fields })).DriverId
    },
    async released(DriverId, DriverVersion = '1.0.0', fields = {}) {
      const ossAddress = await door.uploaded(DriverId, { ResourceVersion: DriverVersion })
      const SourceConfig = JSON.stringify({ ossAddress })
      await call('CreateEdgeDriverVersion', { DriverId, DriverVersion, EdgeVersion: '2.0.0', SourceConfig, ...fields })
      await call('ReleaseEdgeDriverVersion', { DriverId, DriverVersion })
    },
    async uploaded(driverId, fields = {}, sizeBytes = 1000) {
      const request = { Type: 'DRIVER_VERSION_CONTENT', ResourceId: driverId, ResourceVersion: '1.0.0', FileName: 'code.zip', ...fields }
      const { OssAddress } = (await call('CreateEdgeOssPreSignedAddress', request)).Data
      const key = ctx.objects.keyOf(OssAddress) ?? ''
      const content = { sha256: 'ab'.repeat(32), md5: 'q', sizeBytes }
      ctx.objects.stored.set(key, content)
      await ctx.store.write(async (tx) => objects.update(tx, { key, accountId: ctx.principal.accountId, content, nowMs: ctx.now() }))
      return OssAddress
    },
    async instance(fields = {}) {
      return (await call('CreateEdgeInstance', { Name: `node_${ctx.ids.hex(4)}`, ...fields })).InstanceId
    },
    async assigned() {
      const bound = { InstanceId: await door.instance(), DriverId: await door.driver(`Driver_${ctx.ids.hex(4)}`) }
      await door.released(bound.DriverId)
      await call('BindDriverToEdgeInstance', bound)
      return bound
    },
    async devices(count) {
      const { ProductKey } = await call('CreateProduct', { ProductName: `sensors_${ctx.ids.hex(6)}`, NodeType: 0 })
      const iotIds: string[] = []
      for (let place = 1; place <= count; place++) {
        iotIds.push((await call('RegisterDevice', { ProductKey, DeviceName: `sensor_${place}` })).Data.IotId)
      }
      return iotIds
    },
    async gateway(InstanceId, name = 'gateway_01') {
      const { ProductKey } = await call('CreateProduct', { ProductName: `product_${ctx.ids.hex(6)}`, NodeType: 1 })
      const { IotId } = (await call('RegisterDevice', { ProductKey, DeviceName: name })).Data
      await call('BindGatewayToEdgeInstance', { InstanceId, IotId })
      return IotId
    },
    async node(iotId, facts = {}) {
      const record = newNode(ctx, iotId, facts)
      await ctx.store.write(async (tx) => nodes.insert(tx, { ...record, secretHash: '' }))
      return record.id
    },
  }
  return door
}

function newNode(ctx: TestContext, gatewayIotId: string, facts: Partial<nodes.NodeRecord['facts']>): Omit<nodes.NewNode, 'secretHash'> {
  const about = { name: 'gateway', region: 'zhejiang', environments: ['prod' as const] }
  return {
    ...about,
    id: `node-${ctx.ids.hex(8)}`,
    accountId: ctx.principal.accountId,
    gatewayIotId,
    facts: {
      ...about,
      agentVersion: '0.1.0',
      edgeVersion: '2.9.7',
      os: 'linux',
      arch: 'x64',
      runtimes: [],
      driverRuntimes: [],
      cpus: 2,
      memoryBytes: 1024 ** 3,
      address: '10.0.0.5',
      ...facts,
    },
    isOnline: true,
    lastSeenAtMs: ctx.now(),
    generation: 0,
    acceptedGeneration: 0,
    pinned: {},
    createdAtMs: ctx.now(),
  }
}
