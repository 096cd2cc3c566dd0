// Two machines made of network namespaces with a cable between them: on one the real server and a name server, on the other the
// agent, which knows the server by name. Faults are made in the kernel: packets dropped by iptables, the cable pulled. The
// kernel of CI has no netem, so a slow link is a program that the packets are led through.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'

const root = new URL('../..', import.meta.url).pathname
const peer = join(root, 'test', 'network', 'peer.mjs')
export const serverAddress = '198.51.100.1'
export const otherAddress = '198.51.100.17'
const agentAddresses = ['198.51.100.2/28', '198.51.100.18/28']
export const serverName = 'littoral.test'
export const serverPort = 8080
const slowPort = 8081

let count = 0

/** One of the machines. */
export class Machine {
  readonly #name: string
  readonly #children = new Set<ChildProcess>()

  constructor(name: string) {
    this.#name = name
    execFileSync('ip', ['netns', 'add', name])
    this.run('ip', 'link', 'set', 'lo', 'up')
  }

  get name(): string {
    return this.#name
  }

  /** Runs a program to its end. */
  run(program: string, ...args: string[]): string {
    return execFileSync('nsenter', [`--net=/run/netns/${this.#name}`, program, ...args], { encoding: 'utf8', stdio: 'pipe' })
  }

  /** Starts a program; with `resolver` it finds that name server. */
  start(args: readonly string[], options: { env?: NodeJS.ProcessEnv; resolver?: string } = {}): ChildProcess {
    const command = ['nsenter', `--net=/run/netns/${this.#name}`, process.execPath, ...args]
    const { resolver, env = process.env } = options
    // In a mount namespace of its own, so that nobody else on this machine sees another name server.
    const mounted = ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/resolv.conf && exec "$@"', resolver ?? '', ...command]
    const [program = '', ...rest] = resolver === undefined ? command : mounted
    const child = spawn(program, rest, { cwd: root, env, stdio: ['pipe', 'pipe', 'pipe'] })
    child.stdin?.on('error', () => {})
    this.#children.add(child)
    child.once('exit', () => this.#children.delete(child))
    return child
  }

  async close(): Promise<void> {
    for (const child of this.#children) {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    }
    execFileSync('ip', ['netns', 'del', this.#name])
  }
}

/** One of the small programs of peer.mjs. */
export class Peer {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  static async start(machine: Machine, ...args: string[]): Promise<Peer> {
    const started = new Peer(machine.start([peer, ...args]))
    await started.#next()
    return started
  }

  async set(setting: object): Promise<void> {
    const taken = this.#next()
    this.#child.stdin?.write(`${JSON.stringify(setting)}\n`)
    await taken
  }

  async #next(): Promise<void> {
    const { stdout } = this.#child
    if (stdout) await Promise.race([once(stdout, 'data'), once(this.#child, 'exit').then(() => Promise.reject(new Error('a peer ended')))])
  }
}

export interface Cable {
  readonly server: Machine
  readonly agent: Machine
  /** Drops packets that go this way, all of them or a share. */
  drop(from: 'agent' | 'server', share?: number): void
  /** Takes every fault away. */
  heal(): void
  /** Leads new connections through the slow link. */
  slowDown(): void
  readonly resolver: string
  close(): Promise<void>
}

/** Needs root. */
export function layCable(folder: string): Cable {
  if (process.getuid?.() !== 0) throw new Error('network namespaces need root')
  const id = `${process.pid}-${(count += 1)}`
  const server = new Machine(`ls${id}`)
  const agent = new Machine(`la${id}`)
  const [near, far] = [`s${count}`, `a${count}`]
  server.run('ip', 'link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', agent.name)
  for (const address of [serverAddress, otherAddress]) server.run('ip', 'address', 'add', `${address}/28`, 'dev', near)
  for (const address of agentAddresses) agent.run('ip', 'address', 'add', address, 'dev', far)
  server.run('ip', 'link', 'set', near, 'up')
  agent.run('ip', 'link', 'set', far, 'up')
  mkdirSync(folder, { recursive: true })
  const resolver = join(folder, 'resolv.conf')
  writeFileSync(resolver, `nameserver ${serverAddress}\noptions timeout:1 attempts:1\n`)
  return {
    server,
    agent,
    resolver,
    drop(from, share = 1) {
      const chance = share < 1 ? ['-m', 'statistic', '--mode', 'random', '--probability', String(share)] : []
      // Where the packets arrive, so that the sender knows nothing of it.
      const target = from === 'agent' ? server : agent
      target.run('iptables', '-w', '-A', 'INPUT', '-i', from === 'agent' ? near : far, ...chance, '-j', 'DROP')
    },
    heal() {
      for (const machine of [server, agent]) machine.run('iptables', '-w', '-F')
      server.run('iptables', '-w', '-t', 'nat', '-F')
    },
    slowDown() {
      const redirect = ['-p', 'tcp', '--dport', String(serverPort), '-j', 'REDIRECT', '--to-ports', String(slowPort)]
      server.run('iptables', '-w', '-t', 'nat', '-A', 'PREROUTING', ...redirect)
    },
    async close() {
      await agent.close()
      await server.close()
    },
  }
}

export const startNames = ({ server }: Cable) => Peer.start(server, 'dns', serverAddress)
export const startSlowLink = ({ server }: Cable) => Peer.start(server, 'delay', String(slowPort), serverAddress, String(serverPort))

/** A way for the test, which is outside, to call the server, which is inside. */
export async function openWayIn({ server }: Cable, folder: string): Promise<{ url: string; relay: Peer; close(): void }> {
  const path = join(folder, 'way-in.sock')
  const relay = await Peer.start(server, 'relay', path, serverAddress, String(serverPort))
  const listener = net.createServer((near) => {
    const far = net.connect(path)
    near.pipe(far).pipe(near)
    near.on('error', () => far.destroy())
    far.on('error', () => near.destroy())
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as net.AddressInfo
  return { url: `http://127.0.0.1:${port}`, relay, close: () => void listener.close() }
}
