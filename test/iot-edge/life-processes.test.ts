// The life of drivers on the standard tier: each a process of its own on the gateway.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDriver, createInstance, registerGateway } from '../../tools/journey/driver.ts'
import { openTestServer, type TestServer } from '../test-server.ts'
import { brokenPackage, EdgeLife, type Tier } from './life.ts'
import { tellLife } from './life-story.ts'

const tier = (signature: Tier['signature']): Tier => ({ spec: 20, signature, node: { runtimes: ['process'] } })

describe.each(['v3', 'v1'] as const)(
  'the life of a driver on real processes, through the official client with signature %s',
  (signature) => {
    tellLife(openTestServer, tier(signature), `process_${signature}`)
  },
)

describe('a deployment that does not get ready', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await openTestServer({ env: { LITTORAL_DEPLOYMENT_SECONDS: '2' } })
  })
  afterAll(() => server.close())

  it('ends when its time is over, with the last words of the driver', async () => {
    const life = new EdgeLife(server, tier('v3'))
    const gateway = await registerGateway(life.call, { product: 'gateways', device: 'gateway-1' })
    await life.openNode(gateway)
    const driver = await createDriver(life.call, { name: 'broken', runtime: 'nodejs8' })
    await life.release(driver, '1.0.0', await brokenPackage())
    life.instanceId = await createInstance(life.call, { name: 'hall', spec: 20, gateway })
    await life.bind(driver, '1.0.0')
    const job = await life.ended(await life.begin('deploy'), 20_000)
    expect(job.Status).toBe(3)
    expect(job.TaskList[0]?.ResourceSnapshotList[0]?.Log).toMatch(/timed out: .*no such device/)
  })
})
