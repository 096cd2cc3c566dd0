// `littoral agent install` on a machine with a real systemd: what it writes is taken, the unit starts and keeps the agent, an upgrade
// ends with the new version under systemd, Podman's socket is found, and uninstall leaves nothing. Skipped by name where no such
// machine can be made.
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { bundleAgent } from '../../tools/bundle.mjs'
import { until } from '../../tools/journey/wait.ts'
import { whyNoPodman } from '../engine/podman-engine.ts'
import { openTestServer, type TestServer } from '../test-server.ts'
import { startSystemd, type SystemdMachine, whyNoSystemd } from './systemd-machine.ts'

vi.setConfig({ testTimeout: 90_000 })

const missing = whyNoSystemd()
const agent = '/usr/local/lib/littoral/littoral-agent.mjs'

interface Node {
  readonly NodeId: string
  readonly Name: string
  readonly IsOnline: boolean
  readonly AgentVersion: string
  readonly Runtimes: readonly { readonly Name: string; readonly Version?: string; readonly IsAvailable: boolean }[]
}

describe.skipIf(missing !== undefined)(`systemd${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  let folder: string
  let server: TestServer
  let machine: SystemdMachine

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'littoral-installs-'))
    await mkdir(join(folder, 'data', 'agents'), { recursive: true })
    await bundleAgent({ out: join(folder, 'data', 'agents', 'littoral-agent-0.2.0.mjs'), version: '0.2.0' })
    server = await openTestServer({ dataFolder: join(folder, 'data') })
    const started = await startSystemd()
    machine = started
    await bundleAgent({ out: join(folder, 'littoral-agent.mjs'), version: '0.1.0' })
    await copyFile(join(folder, 'littoral-agent.mjs'), join(started.folder, 'littoral-agent.mjs'))
  }, 120_000)
  afterAll(async () => {
    await machine?.close()
    await server?.close()
    await rm(folder, { recursive: true, force: true })
  })

  const mainPid = () => Number(machine.run('systemctl show -p MainPID --value littoral-agent'))
  const install = async (name: string, more = '') => {
    const { Token } = await server.littoral('CreateNodeToken', {})
    return machine.run(`node /shared/littoral-agent.mjs install --server ${server.url} --token ${String(Token)} --name ${name} ${more}`)
  }
  const nodeAs = (name: string, isRight: (node: Node) => boolean): Promise<Node> =>
    until(`the node ${name} as it should be`, 30_000, async () => {
      const { Nodes } = (await server.littoral('ListNodes', {})) as { Nodes: Node[] }
      return Nodes.find((node) => node.Name === name && node.IsOnline && isRight(node))
    })

  it('takes the unit without a complaint, starts it now and at every start of the machine', async () => {
    await install('first', '--runtime process')
    await nodeAs('first', () => true)
    expect(machine.run('systemctl is-active littoral-agent; systemctl is-enabled littoral-agent').trim()).toBe('active\nenabled')
    expect(machine.run('systemd-analyze verify /etc/systemd/system/littoral-agent.service 2>&1').trim()).toBe('')
    // Drivers that run as users of their own have to pass through the data folder, and see nothing of it.
    expect(machine.run('stat -c %a /etc/littoral/agent.env /var/lib/littoral-agent').trim()).toBe('600\n711')
  })

  it('has systemd start it again when it was killed, as the same node', async () => {
    const { NodeId } = await nodeAs('first', () => true)
    const before = mainPid()
    machine.run(`kill -9 ${before}`)
    await until('another process', 20_000, () => (mainPid() > 0 && mainPid() !== before) || undefined)
    expect((await nodeAs('first', () => true)).NodeId).toBe(NodeId)
  })

  it('runs another version under systemd after an upgrade, and again after a restart', async () => {
    const { NodeId } = await nodeAs('first', () => true)
    await server.littoral('UpgradeNodes', { 'NodeIds.1': NodeId, AgentVersion: '0.2.0', ConfirmSeconds: 20, HoldSeconds: 1 })
    await nodeAs('first', ({ AgentVersion }) => AgentVersion === '0.2.0')
    // First it is on trial beside the old one; in the end it is what systemd itself started, and alone.
    await until('one agent, of systemd', 30_000, () => {
      const pids = machine.run('systemctl show -p MainPID --value littoral-agent; pgrep -f [l]ittoral-agent.mjs').trim().split('\n')
      return (pids.length === 2 && pids[0] === pids[1]) || undefined
    })
    await nodeAs('first', ({ AgentVersion }) => AgentVersion === '0.2.0')
    machine.run('systemctl restart littoral-agent')
    await nodeAs('first', ({ AgentVersion }) => AgentVersion === '0.2.0')
    expect(machine.run('systemctl show -p Result --value littoral-agent').trim()).toBe('success')
  })

  it('takes away all that it brought', async () => {
    machine.run(`node ${agent} uninstall --purge`)
    const left = machine.run(
      'ls -d /etc/littoral /usr/local/lib/littoral /var/lib/littoral-agent /etc/systemd/system/littoral* 2>/dev/null; true',
    )
    expect(left).toBe('')
    expect(machine.run('systemctl is-active littoral-agent; true').trim()).toBe('inactive')
  })

  it.skipIf(whyNoPodman() !== undefined)("finds Podman's socket, also one that comes after it", async () => {
    machine.run('rm -f /var/run/docker.sock')
    expect(await install('second')).toContain('systemctl enable --now podman.socket')
    const engine = ({ Runtimes }: Node) => Runtimes.find(({ Name }) => Name === 'engine')
    await nodeAs('second', (node) => engine(node)?.IsAvailable === false)
    machine.run('systemctl enable --now podman.socket')
    machine.run('test -S /run/podman/podman.sock')
    // What a node can do is told when it connects.
    await until("the agent to have found Podman's socket", 30_000, () => isActive(machine, 'podman.service') || undefined)
    machine.run('systemctl restart littoral-agent')
    expect(engine(await nodeAs('second', (node) => engine(node)?.IsAvailable === true))?.Version).toMatch(/^Podman /)
  })
})

/** The socket's unit starts it when somebody asks. */
function isActive(machine: SystemdMachine, unit: string): boolean {
  return machine.run(`systemctl is-active ${unit}; true`).trim() === 'active'
}
