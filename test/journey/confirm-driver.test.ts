// A driver that cuts its gateway off: the gateway goes back to the driver it had by itself, the deployment knows why, and the same
// driver gets another try with the next deployment.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDriver, createInstance, deploy, registerGateway, releaseDriverVersion, throwing } from '../../tools/journey/driver.ts'
import { zipOf } from '../../tools/journey/sample-driver.ts'
import { until } from '../../tools/journey/wait.ts'
import { sdkCall, type Call } from '../../tools/official-clients.ts'
import { type Link, openLink } from '../faults/parts.ts'
import { openTestServer, type TestServer } from '../test-server.ts'
import type { TestNode } from '../test-node.ts'

let server: TestServer
let link: Link
let node: TestNode
let iot: Call
let instanceId: string
let driverId: string
beforeAll(async () => {
  server = await openTestServer({ env: { LITTORAL_DRIVER_CONFIRM_SECONDS: '1' } })
  link = await openLink(Number(new URL(server.url).port))
  iot = throwing(sdkCall('@alicloud/iot20180120', server.url, server.key))
  const gateway = await registerGateway(iot, { product: 'gateways', device: 'gw-1' })
  node = await server.openNode({ gateway, url: `http://127.0.0.1:${link.port}` })
  instanceId = await createInstance(iot, { name: 'cut-off', spec: 20, gateway })
  driverId = await createDriver(iot, { name: 'modem', runtime: 'nodejs8' })
  for (const version of ['1.0.0', '2.0.0'])
    await releaseDriverVersion(iot, {
      driverId,
      version,
      fileName: 'code.zip',
      zip: await zipOf({ 'index.js': `exports.handler = () => '${version}'\n` }),
    })
})
afterAll(async () => {
  await node?.close()
  link?.close()
  await server?.close()
})

const bind = (version: string) => iot('BindDriverToEdgeInstance', { InstanceId: instanceId, DriverId: driverId, DriverVersion: version })
const runs = () => [...node.machine.instances.values()].map(({ workload }) => workload.version)

/** Loses contact as soon as the version is there, before it can be confirmed. */
const cutAt = (version: string) =>
  until(
    `version ${version} to begin`,
    20_000,
    () => {
      const hasBegun = runs().includes(version)
      if (hasBegun) link.cut()
      return hasBegun || undefined
    },
    1,
  )

it('a driver that cuts its gateway off is gone back from, and its deployment fails for that reason', async () => {
  await bind('1.0.0')
  await deploy(iot, instanceId)
  await bind('2.0.0')
  const outcome = deploy(iot, instanceId).then(
    () => 'it succeeded',
    (error: Error) => error.message,
  )
  await cutAt('2.0.0')
  await until('the return', 20_000, () => (runs().join() === '1.0.0' ? true : undefined))
  link.mend()
  expect(await outcome).toMatch(/^the deployment failed: ContactLost: .*2\.0\.0.*went back to version 1\.0\.0/)
  const { Workloads } = (await server.littoral('GetNode', { NodeId: node.nodeId })) as { Workloads: object[] }
  expect(Workloads).toMatchObject([
    { IsCurrent: false, Reported: { Version: '1.0.0', Retreat: { Version: '2.0.0', Code: 'ContactLost' } } },
  ])
})

it('the same driver gets another try with the next deployment, and stays once it is confirmed', async () => {
  await deploy(iot, instanceId)
  expect(runs()).toEqual(['2.0.0'])
  await until('the confirmation', 20_000, () => node.log.some((line) => line.endsWith('version 2.0.0 is confirmed')) || undefined)
  link.cut()
  const endMs = performance.now() + 2500
  await until('more than a second alone', 10_000, () => performance.now() > endMs || undefined)
  expect(runs()).toEqual(['2.0.0'])
  link.mend()
})
