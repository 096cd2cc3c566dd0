// The life of drivers on one gateway, as a story in steps that each tier walks (contract: iot-edge §4). What is there to work
// with: the vendor's client, a real server, real agents, and drivers that say what they were handed. Told in life-story.ts.
import { deploy, releaseDriverVersion, throwing, type Gateway } from '../../tools/journey/driver.ts'
import { zipOf } from '../../tools/journey/sample-driver.ts'
import { until } from '../../tools/journey/wait.ts'
import { sdkCall, type Call } from '../../tools/official-clients.ts'
import { codeOf, type TestServer } from '../test-server.ts'
import type { TestNode, TestNodeOptions } from '../test-node.ts'

/** What the drivers of the story write: a line whenever what they are handed has changed, the first at once. */
export interface Said {
  /** Another one after every start. */
  readonly boot: string
  readonly version: string
  readonly config: { readonly config: Record<string, unknown>; readonly deviceList: readonly Record<string, unknown>[] }
  /** Content of the configuration files. */
  readonly files: readonly string[]
}

const code = (version: string) => `const fs = require('node:fs')
const boot = require('node:crypto').randomUUID()
let text = ''
function look() {
  const now = fs.readFileSync(process.env.LITTORAL_DRIVER_CONFIG, 'utf8')
  if (now === text) return
  text = now
  const config = JSON.parse(now)
  const files = (config.config.fileList || []).map(({ path }) => fs.readFileSync(path, 'utf8'))
  console.log(JSON.stringify({ boot, version: '${version}', config, files }))
}
look()
setInterval(look, 50)
exports.handler = () => {}
`

export const packageOf = (version: string) => zipOf({ 'index.js': code(version) })
/** Ends as soon as it is started. */
export const brokenPackage = () => zipOf({ 'index.js': "console.log('no such device'); process.exit(3)\n" })

export interface Tier {
  readonly spec: 20 | 30
  readonly signature: 'v3' | 'v1'
  readonly node: Pick<TestNodeOptions, 'runtimes' | 'engineSocket'>
}

interface Workload {
  readonly Key: string
  readonly Reported?: { readonly Phase: string }
}

export interface NodeView {
  readonly Workloads: readonly Workload[]
  readonly Bindings: readonly { readonly Kind: string; readonly Id: string; readonly Content: string; readonly IsStored: boolean }[]
}

export interface Resource {
  readonly ResourceType: string
  readonly ResourceId: string
  readonly OperateType: number
  readonly Status: number
  readonly Stage: number
  readonly Log: string
}

export interface Job {
  readonly Status: number
  readonly Type: string
  readonly TaskList: readonly {
    readonly GatewayId: string
    readonly Status: number
    readonly Stage: number
    readonly ResourceSnapshotList: readonly Resource[]
  }[]
}

/** An edge instance with everything around it, seen through the vendor's client. */
export class EdgeLife {
  readonly call: Call
  readonly #server: TestServer
  readonly #tier: Tier
  instanceId = ''

  constructor(server: TestServer, tier: Tier) {
    this.#server = server
    this.#tier = tier
    this.call = throwing(sdkCall('@alicloud/iot20180120', server.url, server.key, tier.signature))
  }

  openNode(gateway: Gateway): Promise<TestNode> {
    return this.#server.openNode({ gateway, ...this.#tier.node })
  }

  /** The code a call is refused with, or Success. */
  async code(action: string, input: Record<string, unknown>): Promise<string> {
    try {
      await this.call(action, input)
      return 'Success'
    } catch (error) {
      return codeOf(error) ?? String(error)
    }
  }

  async release(driverId: string, version: string, zip?: Buffer): Promise<void> {
    await releaseDriverVersion(this.call, { driverId, version, fileName: 'code.zip', zip: zip ?? (await packageOf(version)) })
  }

  bind(driverId: string, version: string): Promise<unknown> {
    return this.call('BindDriverToEdgeInstance', { InstanceId: this.instanceId, DriverId: driverId, DriverVersion: version })
  }

  async begin(type: 'deploy' | 'reset'): Promise<string> {
    return String((await this.call('CreateEdgeInstanceDeployment', { InstanceId: this.instanceId, Type: type }))['DeploymentId'])
  }

  async job(id: string): Promise<Job> {
    const { Data } = await this.call('GetEdgeInstanceDeployment', { InstanceId: this.instanceId, DeploymentId: id })
    return Data as Job
  }

  /** Waits for the end of a job, whichever it is. */
  async ended(id: string, timeoutMs = 60_000): Promise<Job> {
    return until(`the end of the job ${id}`, timeoutMs, async () => {
      const job = await this.job(id)
      return job.Status >= 2 ? job : undefined
    })
  }

  deploy(): Promise<string> {
    return deploy(this.call, this.instanceId)
  }

  async view(node: TestNode): Promise<NodeView> {
    return (await this.#server.littoral('GetNode', { NodeId: node.nodeId })) as unknown as NodeView
  }

  /** Everything a driver has said on a node, oldest first. */
  async said(node: Pick<TestNode, 'nodeId'>, driverId: string): Promise<Said[]> {
    const asked = { NodeId: node.nodeId, Key: `driver/${this.instanceId}/${driverId}`, Container: 'driver' }
    // Between two instances of a driver there is none to ask.
    const answer = await this.#server.littoral('ReadLogs', asked).catch((error: unknown) => {
      if (codeOf(error) === 'Stream.WorkloadNotFound') return { Lines: [] }
      throw error
    })
    const { Lines } = answer as { Lines: string[] }
    return Lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Said)
  }

  /** The newest words of a driver, once they are as they should be. */
  async says(node: Pick<TestNode, 'nodeId'>, driverId: string, isRight: (said: Said) => boolean): Promise<Said> {
    return until(`the words of driver ${driverId}`, 20_000, async () => {
      const last = (await this.said(node, driverId)).at(-1)
      return last !== undefined && isRight(last) ? last : undefined
    })
  }

  async nodeNames(): Promise<string[]> {
    const { Nodes } = (await this.#server.littoral('ListNodes', { PageSize: 100 })) as { Nodes: { Name: string }[] }
    return Nodes.map(({ Name }) => Name)
  }

  /** Until the server misses a node. */
  async missed(node: TestNode): Promise<void> {
    await until('the node to be missed', 15_000, async () => {
      const { Nodes } = (await this.#server.littoral('ListNodes', { PageSize: 100 })) as { Nodes: { NodeId: string; IsOnline: boolean }[] }
      return Nodes.find(({ NodeId }) => NodeId === node.nodeId)?.IsOnline === false ? true : undefined
    })
  }
}
