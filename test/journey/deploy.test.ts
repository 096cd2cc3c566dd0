// From an uploaded package to a running driver process, through each client that users of the vendor have.
import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  configureDriver,
  createDriver,
  createInstance,
  deploy,
  registerGateway,
  releaseDriverVersion,
  throwing,
  type Gateway,
} from '../../tools/journey/driver.ts'
import { zipOf } from '../../tools/journey/sample-driver.ts'
import { until } from '../../tools/journey/wait.ts'
import { popCall, sdkCall, type Call } from '../../tools/official-clients.ts'
import { codeOf, openTestServer, type TestServer } from '../test-server.ts'
import type { TestNode } from '../test-node.ts'

const version = '2018-01-20'
const clients: Record<string, (server: TestServer) => Call> = {
  '@alicloud/iot20180120, version 3': (server) => sdkCall('@alicloud/iot20180120', server.url, server.key, 'v3'),
  '@alicloud/iot20180120, version 1': (server) => sdkCall('@alicloud/iot20180120', server.url, server.key, 'v1'),
  '@alicloud/pop-core by POST': (server) => repeated(popCall(server.url, server.key, version, 'POST')),
  '@alicloud/pop-core by GET': (server) => repeated(popCall(server.url, server.key, version, 'GET')),
}

/** The numbered form of lists, which a caller of pop-core writes out by hand. */
function repeated(call: Call): Call {
  return (action, input) => call(action, Object.fromEntries(Object.entries(input).flatMap(([name, value]) => numbered(name, value))))
}

function numbered(name: string, value: unknown): [string, unknown][] {
  if (Array.isArray(value)) return value.flatMap((entry: unknown, index) => numbered(`${name}.${index + 1}`, entry))
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([field, inner]) => numbered(`${name}.${field}`, inner))
  return [[name, value]]
}

const hasPython = spawnSync('python3', ['--version']).status === 0
const code = {
  python3: {
    'index.py': 'import os, time\nprint("python driver", os.environ["FUNCTION_NAME"], flush=True)\nwhile True:\n    time.sleep(1)\n',
  },
  nodejs8: {
    'index.js': 'console.log("node driver", process.env.FUNCTION_NAME)\nsetInterval(() => {}, 1000)\nexports.handler = () => {}\n',
  },
}

let server: TestServer
let count = 0
beforeAll(async () => {
  server = await openTestServer()
})
afterAll(() => server.close())

describe.each(Object.keys(clients))('through %s', (name) => {
  const call: Call = throwing((action, input) => clients[name]!(server)(action, input))
  let gateway: Gateway
  let node: TestNode
  beforeAll(async () => {
    count += 1
    gateway = await registerGateway(call, { product: `gateways_${count}`, device: `gateway-${count}` })
    node = await server.openNode({ gateway, runtimes: ['process'] })
  })
  afterAll(() => node.close())

  it('a driver is uploaded, versioned, released, bound and deployed, and its process runs with its configuration', async () => {
    const runtime = hasPython && count % 2 === 0 ? 'python3' : 'nodejs8'
    const driverName = `thermo_${count}`
    const driverId = await createDriver(call, { name: driverName, runtime })
    await releaseDriverVersion(call, { driverId, version: '1.0.0', fileName: 'code.zip', zip: await zipOf(code[runtime]) })
    const instanceId = await createInstance(call, { name: `hall_${count}`, spec: 20, gateway })
    await call('BindDriverToEdgeInstance', { InstanceId: instanceId, DriverId: driverId, DriverVersion: '1.0.0' })
    await configureDriver(call, { instanceId, driverId, config: { unit: 'celsius' } })
    await deploy(call, instanceId)

    const lines = await until('a line of the driver', 15_000, async () => {
      const written = await node.logs(`driver/${instanceId}/${driverId}`)
      return written.length > 0 ? written : undefined
    })
    expect(lines.join('\n')).toContain(`driver ${driverName}`)
    const { Nodes } = (await server.littoral('ListNodes', {})) as { Nodes: { GatewayIotId?: string; IsOnline: boolean }[] }
    expect(Nodes).toContainEqual(expect.objectContaining({ GatewayIotId: gateway.iotId, IsOnline: true }))
  })

  it('a package that is no zip is refused with the reason', async () => {
    const driverId = await createDriver(call, { name: `broken_${count}`, runtime: 'nodejs8' })
    const broken = releaseDriverVersion(call, { driverId, version: '1.0.0', fileName: 'code.zip', zip: Buffer.from('no zip at all') })
    await expect(broken).rejects.toMatchObject({ code: 'iot.edge.DriverVersionNoSource' })
  })

  it('a refusal comes as a result with its code', async () => {
    const error: unknown = await call('CreateEdgeDriver', { DriverName: '1bad', DriverProtocol: 'customize', Runtime: 'nodejs8' }).catch(
      (thrown: unknown) => thrown,
    )
    expect(codeOf(error)).toMatch(/^iot\./)
  })
})
