// One simulated fleet under one seed: nodes that go away, crash and pull slowly, versions that cut their node off, messages that are
// lost or late, two server processes that act on old views, and somebody who publishes, pauses and rolls back. After every tick the
// invariants hold:
//
// 1. While a version can fail, no more nodes change to it at once than the policy allows.
// 2. A version fails on no more nodes than the failure budget, and on no more than the canary while nothing has proven it; nodes that
//    were given up because they were away too long are not counted.
// 3. A node that served goes on serving, unless it is to run nothing: no healthy instance is stopped before the next one is ready.
// 4. Generations never fall.
// 5. A release that is through really ran on every node it covers that was there, and a stopped or reverted one is no success.
// 6. Once failures stop, all nodes run what the release in effect asks of them, or, where that cannot run on them, what they ran
//    before; and a full rollback ends on the version it named.
// 7. A node that a version on trial cuts off goes back within the time it has, and never from a version that it has confirmed.
import { amountOf, type ReleasePolicy } from '../../packages/server/src/domain/release-policy.ts'
import { releaseState } from '../../packages/server/src/domain/release-progress.ts'
import { newPublish, newRollback } from '../../packages/server/src/domain/release-request.ts'
import type { Release } from '../../packages/server/src/domain/release.ts'
import { inLine, membersOf } from '../../packages/server/src/domain/share.ts'
import { lostAfterMs } from '../../packages/server/src/domain/placement.ts'
import { nextChangeAtMs } from '../../packages/server/src/domain/standing.ts'
import { appId, Control } from './control.ts'
import { type Behaviour, SimulatedNode } from './node.ts'
import { Random } from './random.ts'

const tickMs = 1000
const regions = ['zhejiang', 'jiangsu', 'beijing']
type Kind = 'good' | 'slow' | 'bad' | 'missing' | 'unpullable' | 'crashing' | 'patchy' | 'cutting'
const kinds: readonly Kind[] = ['good', 'slow', 'bad', 'missing', 'unpullable', 'crashing', 'patchy']

/** What it takes to go back once it is time: to pull what may be gone, start it and stop the other. */
const returnMs = 60_000

interface Link {
  awayUntilMs?: number
  /** What runs on the node holds it. */
  isCut?: boolean
  /** How long it was away the last time. */
  lastAwayMs?: number
  sinceMs: number
  sentGeneration: number
  resyncAtMs: number
}

interface ServerProcess {
  watchingSinceMs: number
  nextAtMs: number
  pending?: { atMs: number; carryOut: (atMs: number) => unknown }
  /** What it saw last, and when time alone makes another look worth it. */
  seen?: { changes: number; dueAtMs: number }
}

export class World {
  readonly control: Control
  readonly nodes: SimulatedNode[] = []
  nowMs = 1_000_000
  readonly #random: Random
  readonly #versions = new Map<string, Kind>()
  readonly #links = new Map<string, Link>()
  readonly #inFlight: { atMs: number; deliver: () => void }[] = []
  readonly #servers: ServerProcess[] = []
  readonly #seen = new Map<string, number>()
  #isQuiet = false
  #settledMembers = new Set<string>()
  #count = 0

  constructor(seed: number, size?: number) {
    this.#random = new Random(seed)
    this.control = new Control(this.#policy())
    const total = size ?? (this.#random.chance(0.02) ? this.#random.between(100, 300) : this.#random.between(1, 24))
    for (let at = 0; at < total; at++) this.#addNode(`node-${at}`)
    for (const _ of [1, 2]) this.#servers.push({ watchingSinceMs: this.nowMs, nextAtMs: this.nowMs + this.#random.between(0, 3000) })
  }

  /** The whole story of a seed; throws where an invariant does not hold. */
  run(): void {
    this.#publish('good', 100)
    this.#runFor(120)
    for (let act = this.#random.between(1, 4); act > 0; act--) {
      this.#act()
      this.#runFor(this.#random.between(5, 200))
    }
    this.#calm()
    this.#settle()
  }

  #policy(): ReleasePolicy {
    const amount = () => (this.#random.chance(0.5) ? { nodes: this.#random.between(1, 5) } : { percentage: this.#random.between(1, 100) })
    return {
      maxUnavailable: amount(),
      failureBudget: amount(),
      canaryNodes: this.#random.between(0, 2),
      bakeSeconds: this.#random.pick([0, 0, 10, 40]),
      deadlineSeconds: this.#random.pick([30, 60, 90]),
      isAutoRollback: this.#random.chance(0.4),
      confirmSeconds: this.#random.pick([0, 20, 90]),
    }
  }

  #addNode(id: string): void {
    const region = this.#random.pick(regions)
    const node = new SimulatedNode(id, region, { random: this.#random, behave: (version, nodeId) => this.#behave(version, nodeId) })
    this.nodes.push(node)
    this.#links.set(id, { sinceMs: this.nowMs, sentGeneration: 0, resyncAtMs: this.nowMs })
    this.control.see(id, { id, region, isOnline: true, lastSeenAtMs: this.nowMs })
  }

  #behave(version: string, nodeId: string): Behaviour {
    const kind = this.#versions.get(version) ?? 'good'
    const works = { pullMs: 2000, pull: 'works', readyAfterMs: 3000, exits: false } as const
    const isPatch = (nodeId.charCodeAt(nodeId.length - 1) + version.length) % 3 === 0
    switch (kind) {
      case 'slow':
        return { ...works, pullMs: 15_000 }
      case 'bad':
        return { ...works, readyAfterMs: undefined }
      case 'missing':
        return { ...works, pull: 'missing' }
      case 'unpullable':
        return { ...works, pull: 'fails' }
      case 'crashing':
        return { ...works, exits: true }
      case 'patchy':
        return isPatch ? { ...works, readyAfterMs: undefined } : works
      default:
        return works
    }
  }

  #runs(version: string, nodeId: string): boolean {
    const { pull, readyAfterMs, exits } = this.#behave(version, nodeId)
    return pull === 'works' && readyAfterMs !== undefined && !exits
  }

  #publish(kind: Kind, percentage: number): void {
    const id = `ver-${++this.#count}`
    this.#versions.set(id, kind)
    this.#begin(id, percentage)
  }

  #begin(id: string, percentage: number): void {
    const draft = { id: `rel-${this.control.releases.length}`, environment: 'prod', remarks: '', createdBy: 'someone' } as const
    const byRegion = percentage < 100 && this.#random.chance(0.2)
    const target = byRegion
      ? { publishType: 'region' as const, percentage: 0, regions: [this.#random.pick(this.nodes).region], isFull: false }
      : { publishType: 'percentage' as const, percentage, regions: [], isFull: percentage === 100 }
    this.#try(() =>
      this.control.insert(newPublish(draft, { id, accountId: '1', appId }, { target, before: this.control.history }, this.nowMs)),
    )
  }

  #rollBack(): void {
    const past = this.control.releases
      .map(({ versionId }) => versionId)
      .filter((id) => ['good', 'slow'].includes(this.#versions.get(id) ?? ''))
    const draft = { id: `rel-${this.control.releases.length}`, kind: 'rollback', remarks: '', createdBy: 'someone' } as const
    const percentage = this.#random.chance(0.7) ? undefined : this.#random.between(1, 99)
    const version = { id: this.#random.pick(past), accountId: '1', appId }
    this.#try(() => this.control.insert(newRollback(draft, version, { before: this.control.history, percentage }, this.nowMs)))
  }

  /** What is refused leaves everything as it was, which is as good a story as any. */
  #try(act: () => void): void {
    try {
      act()
    } catch (error) {
      if (!(error instanceof Error) || !('fault' in error)) throw error
    }
  }

  #act(): void {
    const percentage = this.#random.pick([1, 10, 34, 50, 80, 100, 100])
    const act = this.#random.between(0, 9)
    const { current } = this.control
    const possible = this.control.policy.confirmSeconds > 0 ? [...kinds, 'cutting' as const] : kinds
    if (act <= 4) this.#publish(this.#random.pick(possible), percentage)
    else if (act <= 6 && current !== undefined) this.#begin(current.versionId, percentage)
    else if (act <= 8) this.#rollBack()
    else this.control.hold(this.nowMs)
    if (this.#random.chance(0.3)) this.control.resume()
  }

  #runFor(ticks: number): void {
    for (let tick = 0; tick < ticks; tick++) this.#tick()
  }

  #tick(): void {
    this.nowMs += tickMs
    if (!this.#isQuiet) for (const node of this.nodes) this.#disturb(node)
    for (const message of this.#inFlight.splice(0)) {
      if (message.atMs <= this.nowMs) message.deliver()
      else this.#inFlight.push(message)
    }
    for (const node of this.nodes) this.#passNode(node)
    for (const server of this.#servers) this.#passServer(server)
    this.#check()
  }

  #disturb(node: SimulatedNode): void {
    const link = this.#link(node)
    if (link.awayUntilMs === undefined) {
      if (this.#random.chance(0.001))
        Object.assign(link, { awayUntilMs: this.nowMs + this.#random.pick([5, 40, 90, 200]) * 1000, sinceMs: this.nowMs })
      if (this.#random.chance(0.001)) node.crash(this.nowMs)
    }
  }

  /** A version that cuts its node off does so as long as it runs there; when all calms down somebody has mended it. */
  #cut(node: SimulatedNode, link: Link): void {
    const isCut = !this.#isQuiet && node.versions.some((version) => this.#versions.get(version) === 'cutting' && node.runs(version))
    if (isCut && link.awayUntilMs === undefined) Object.assign(link, { awayUntilMs: Number.POSITIVE_INFINITY, sinceMs: this.nowMs, isCut })
    if (isCut && link.isCut !== true) Object.assign(link, { awayUntilMs: Number.POSITIVE_INFINITY, isCut })
    if (!isCut && link.isCut === true) Object.assign(link, { awayUntilMs: this.nowMs, isCut })
    const { trial } = node.trials
    const isLate = link.isCut === true && trial !== undefined && this.nowMs - link.sinceMs > trial.confirmSeconds * 1000 + returnMs
    if (isLate && node.runs(trial.version)) this.#wrong(`${node.id} is held by ${trial.version} and does not go back`)
  }

  #confirm(node: SimulatedNode, link: Link): void {
    const digest = node.trials.asks(node.servingDigest(this.nowMs), this.nowMs)
    const { report } = node
    if (digest === undefined || report === undefined) return
    this.#message(() => {
      // Over one socket, in order: the server has heard what was reported before.
      this.control.hear(node.id, report, this.nowMs)
      if (!this.control.confirms(node.id, digest)) return
      this.#message(() => {
        if (link.awayUntilMs === undefined) node.trials.confirmed(report.key, digest)
      })
    })
  }

  #passNode(node: SimulatedNode): void {
    const link = this.#link(node)
    this.#cut(node, link)
    const known = this.control.nodes.get(node.id)
    if (link.awayUntilMs !== undefined) {
      // The server notices after three silent heartbeats, and only then.
      if (known?.isOnline && this.nowMs - link.sinceMs >= 15_000)
        this.control.see(node.id, { ...known, isOnline: false, lastSeenAtMs: link.sinceMs })
      if (link.awayUntilMs <= this.nowMs) this.#return(node, link)
    } else if (known && this.nowMs >= link.resyncAtMs) this.#resync(node, link)
    const wasServing = node.serving(this.nowMs)
    node.trials.contact(link.awayUntilMs === undefined, this.nowMs)
    node.pass(this.nowMs)
    // A first release that was stopped is nothing to return to: who is not covered by the next one is told to run nothing.
    const isWanted = node.desired?.workload !== undefined
    if (isWanted && wasServing !== undefined && node.serving(this.nowMs) === undefined)
      this.#wrong(`${node.id} stopped ${wasServing} before another version served`)
    if (link.awayUntilMs === undefined && node.desired?.generation !== undefined) {
      this.#tell(node)
      this.#confirm(node, link)
    }
    const generation = this.control.generations.get(node.id) ?? 0
    if (link.awayUntilMs === undefined && generation > link.sentGeneration) this.#send(node, link)
  }

  #return(node: SimulatedNode, link: Link): void {
    link.lastAwayMs = this.nowMs - link.sinceMs
    delete link.awayUntilMs
    this.control.see(node.id, { id: node.id, region: node.region, isOnline: true, lastSeenAtMs: this.nowMs })
    this.#resync(node, link)
  }

  /** Level-triggered: now and then both sides compare, so a lost message is only late. */
  #resync(node: SimulatedNode, link: Link): void {
    link.resyncAtMs = this.nowMs + 10_000
    link.sentGeneration = node.desired?.generation ?? 0
    this.#told.delete(node.id)
  }

  #send(node: SimulatedNode, link: Link): void {
    const generation = this.control.generations.get(node.id) ?? 0
    const workload = this.control.assignments.get(node.id)?.workload
    link.sentGeneration = generation
    this.#message(() => {
      if (link.awayUntilMs === undefined) node.accept(generation, workload)
    })
  }

  readonly #told = new Map<string, string>()

  #tell(node: SimulatedNode): void {
    const { report } = node
    if (report === undefined) return
    const text = `${report.digest} ${report.phase} ${report.reason?.code} ${report.retreat?.id}`
    if (this.#told.get(node.id) === text) return
    this.#told.set(node.id, text)
    this.#message(() => this.control.hear(node.id, report, this.nowMs), 500)
  }

  #message(deliver: () => void, longestMs = 2000): void {
    if (!this.#isQuiet && this.#random.chance(0.05)) return
    this.#inFlight.push({ atMs: this.nowMs + this.#random.between(0, longestMs), deliver })
  }

  #passServer(server: ServerProcess): void {
    if (!this.#isQuiet && this.#random.chance(0.001))
      Object.assign(server, { watchingSinceMs: this.nowMs, nextAtMs: this.nowMs + 5000, pending: undefined, seen: undefined })
    if (server.pending && server.pending.atMs <= this.nowMs) {
      server.pending.carryOut(this.nowMs)
      delete server.pending
    }
    if (server.pending || server.nextAtMs > this.nowMs) return
    server.nextAtMs = this.nowMs + this.#random.between(500, 4000)
    const { changes } = this.control
    if (server.seen?.changes === changes && this.nowMs < server.seen.dueAtMs) return
    const view = this.control.view(server.watchingSinceMs)
    server.seen = { changes, dueAtMs: (view && nextChangeAtMs(view, this.nowMs)) ?? Number.POSITIVE_INFINITY }
    if (view !== undefined)
      server.pending = { atMs: this.nowMs + this.#random.between(0, 2500), carryOut: this.control.plan(view, this.nowMs) }
  }

  #link(node: SimulatedNode): Link {
    const link = this.#links.get(node.id)
    if (link === undefined) throw new Error(`${node.id} has no link`)
    return link
  }

  #check(): void {
    for (const [nodeId, generation] of this.control.generations) {
      if (generation < (this.#seen.get(nodeId) ?? 0)) this.#wrong(`the generation of ${nodeId} fell`)
      this.#seen.set(nodeId, generation)
    }
    const { current } = this.control
    if (current === undefined) return
    this.#checkFailures(current)
    this.#checkChanging(current)
    if (current.status === 'published') this.#checkThrough(current)
  }

  #checkFailures(release: Release): void {
    const { policy } = this.control
    const kind = this.#versions.get(release.versionId) ?? 'good'
    const isHopeless = ['bad', 'missing', 'unpullable', 'crashing', 'cutting'].includes(kind)
    const patienceMs = lostAfterMs + (isHopeless && policy.canaryNodes > 0 ? policy.confirmSeconds * 1000 : 0)
    // One that was given up, and says when it is back that it went back by itself, counts in addition.
    const isLate = (nodeId: string) => (this.#links.get(nodeId)?.lastAwayMs ?? 0) >= patienceMs
    const all = this.control.failures.get(release.id) ?? []
    const failed = all.filter(({ code, nodeId }) => code !== 'ContactLost' || !isLate(nodeId)).length
    const budget = amountOf(policy.failureBudget, this.nodes.length)
    const most = isHopeless && policy.canaryNodes > 0 ? Math.min(budget, policy.canaryNodes) : budget
    if (failed > most) this.#wrong(`version ${release.versionId} (${kind}) failed on ${failed} nodes, ${most} were allowed`)
    if (failed > 0 && release.kind !== 'publish') this.#wrong('a rollback counted failures')
  }

  #checkChanging(release: Release): void {
    if (release.kind !== 'publish' || release.restVersionId === undefined || release.status === 'published') return
    const changing = this.nodes.filter((node) => {
      const isTold = this.control.assignments.get(node.id)?.workload.version === release.versionId
      return isTold && !node.served.has(release.versionId)
    })
    const most = amountOf(this.control.policy.maxUnavailable, this.nodes.length)
    if (changing.length > most) this.#wrong(`${changing.length} nodes change at once, ${most} are allowed`)
  }

  #checkThrough(release: Release): void {
    const state = releaseState(release)
    if (release.kind !== 'publish' && state !== 'rolledBack') this.#wrong(`a ${release.kind} is called ${state}`)
    if (release.finishedAtMs !== this.nowMs) return
    const members = this.#members(release)
    const isThere = (node: SimulatedNode) =>
      this.nowMs - (this.#link(node).awayUntilMs === undefined ? this.nowMs : this.#link(node).sinceMs) < 10_000
    const missing = this.nodes.filter((node) => members.has(node.id) && isThere(node) && !node.served.has(release.versionId))
    const returned = missing.filter((node) => this.control.nodes.get(node.id)?.lastSeenAtMs !== undefined && this.#returnedLately(node))
    if (missing.length > returned.length) this.#wrong(`release ${release.id} is through, but never ran on ${missing[0]?.id}`)
  }

  /** Back so recently that the server that ended the release could not know. */
  #returnedLately(node: SimulatedNode): boolean {
    const { lastSeenAtMs = 0 } = this.control.nodes.get(node.id) ?? {}
    return this.nowMs - lastSeenAtMs < 10_000
  }

  #members(release: Release): Set<string> {
    return membersOf(release, inLine(appId, [...this.control.nodes.values()]))
  }

  #calm(): void {
    this.#isQuiet = true
    for (const node of this.nodes) {
      const link = this.#link(node)
      if (link.awayUntilMs !== undefined) link.awayUntilMs = this.nowMs
    }
    this.control.resume()
  }

  #settle(): void {
    for (let tick = 0; tick < 60 * this.nodes.length + 2000; tick++) {
      this.#tick()
      if (tick % 5 === 0 && this.#isSettled()) return
    }
    const { current } = this.control
    const told = this.nodes.map(
      (node) =>
        `${node.id} ${this.control.assignments.get(node.id)?.workload.version} ${node.serving(this.nowMs)} ${this.control.reports.get(node.id)?.phase}`,
    )
    this.#wrong(`did not settle: ${JSON.stringify({ ...current, policy: this.control.policy })}\n${told.slice(0, 30).join('\n')}`)
  }

  #isSettled(): boolean {
    const { current } = this.control
    if (current === undefined || current.status === 'publishing') return false
    this.#settledMembers = this.#members(current)
    return this.nodes.every((node) => {
      const wanted = this.#wanted(node, current)
      const serving = node.serving(this.nowMs)
      // A release that is through cannot fail any more. On a node that came later, and cannot run it, the last good one stays.
      const cannotRun = wanted !== undefined && (!this.#runs(wanted, node.id) || node.trials.wentBackFrom === wanted)
      const isKept = cannotRun && current.status !== 'publishing'
      return serving === wanted || (isKept && (serving !== undefined || node.served.size === 0))
    })
  }

  /** What a node is to run in the end, worked out without the planner. */
  #wanted(node: SimulatedNode, release: Release): string | undefined {
    const hasFailed = this.control.failures.get(release.id)?.some(({ nodeId }) => nodeId === node.id)
    const isMember = this.#settledMembers.has(node.id)
    // Only a version that could fail leaves its nodes at what they had; whatever else stopped goes on to the end.
    const isGivenUp = release.status === 'stopped' && release.kind === 'publish' && release.restVersionId !== undefined
    if (isGivenUp || release.isFromBack) return this.control.assignments.get(node.id)?.workload.version
    return isMember && !hasFailed ? release.versionId : release.restVersionId
  }

  #wrong(what: string): never {
    throw new Error(`${what} (at ${(this.nowMs - 1_000_000) / 1000} s)`)
  }
}
