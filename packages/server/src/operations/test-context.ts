// A handler's context for tests: a real store in memory, a clock that moves only when told, identifiers that count up,
// and scripted stand-ins for what lives outside the process (nodes' streams, stored objects).
import type { CallRequest, LogsRequest } from '@littoral/contract/node/stream'
import { defaultSettings, type Settings } from '../domain/settings.ts'
import { openStore } from '../store/open.ts'
import { loadSecretBox } from '../store/secret-box.ts'
import type { Store } from '../store/store.ts'
import type { AgentBundle, Context, Ids, Log, NodeStreams, Objects, Principal } from './context.ts'

export interface TestClock {
  nowMs: number
  advance(ms: number): void
}

export interface TestContext extends Context {
  readonly clock: TestClock
  readonly nodes: FakeNodes
  readonly objects: FakeObjects
  /** The same installation seen by another caller. */
  as(principal: Partial<Principal>): TestContext
  close(): Promise<void>
}

export interface TestContextOptions {
  readonly settings?: Partial<Omit<Settings, 'limits'>> & { readonly limits?: Partial<Settings['limits']> }
  readonly store?: Store
  readonly nowMs?: number
  readonly agents?: readonly AgentBundle[]
}

export const testPrincipal: Principal = { accountId: '1000000000000001', accessKeyId: 'LTAItestkey', kind: 'root' }
export const testNowMs = Date.parse('2026-01-05T08:00:00Z')
const origin = 'http://littoral.test:8080'

export async function testContext(options: TestContextOptions = {}): Promise<TestContext> {
  const clock = testClock(options.nowMs ?? testNowMs)
  const store = options.store ?? (await openStore({ file: ':memory:', now: () => clock.nowMs }))
  const settings = { ...defaultSettings, ...options.settings, limits: { ...defaultSettings.limits, ...options.settings?.limits } }
  const services = {
    store,
    now: () => clock.nowMs,
    ids: countingIds(),
    log: silentLog,
    settings,
    nodes: fakeNodes(),
    objects: fakeObjects(),
    agents: { list: async () => [...(options.agents ?? [])] },
    box: await loadSecretBox(),
  }
  const withPrincipal = (principal: Principal): TestContext => ({
    ...services,
    clock,
    principal,
    requestId: '00000000-0000-4000-8000-000000000001',
    origin,
    as: (other) => withPrincipal({ ...principal, ...other }),
    close: () => store.close(),
  })
  return withPrincipal(testPrincipal)
}

function testClock(nowMs: number): TestClock {
  return {
    nowMs,
    advance(ms) {
      this.nowMs += ms
    },
  }
}

/** The n-th identifier ends in n; all have the asked length. */
function countingIds(): Ids {
  let last = 0
  return idsFrom((count, radix) => `1${(++last).toString(radix).padStart(count - 1, '0')}`)
}

/** Identifiers of every kind from one source of numbers that are so many places long. */
export function idsFrom(next: (count: number, radix: number) => string): Ids {
  return {
    digits: (count) => next(count, 10),
    growing: () => next(18, 10),
    hex: (count) => next(count, 16),
    uuid: () => `00000000-0000-4000-8000-${next(12, 16)}`.toUpperCase(),
    letters: (count) => `a${next(count - 1, 36)}`,
  }
}

export const silentLog: Log = { info: () => {}, warn: () => {}, error: () => {} }

export interface FakeNodes extends NodeStreams {
  /** What was asked, in order. */
  readonly asked: { nodeId: string; request: LogsRequest; timeoutMs: number }[]
  /** Lines to answer with, by node id; a node without an entry cannot be reached. */
  readonly lines: Map<string, string[]>
  /** What answers calls of devices, by node id. */
  readonly answers: Map<string, (request: CallRequest) => string>
  /** Keys of workloads that wait for their next attempt. */
  readonly waiting: Set<string>
}

export function fakeNodes(): FakeNodes {
  const asked: FakeNodes['asked'] = []
  const lines: FakeNodes['lines'] = new Map()
  const answers: FakeNodes['answers'] = new Map()
  const waiting: FakeNodes['waiting'] = new Set()
  return {
    asked,
    lines,
    answers,
    waiting,
    async retry(nodeId, key) {
      if (!lines.has(nodeId)) throw Object.assign(new Error(`node ${nodeId} has no socket here`), { code: 'NodeUnreachable' })
      return waiting.delete(key)
    },
    async readLogs(nodeId, request, timeoutMs) {
      asked.push({ nodeId, request, timeoutMs })
      const known = lines.get(nodeId)
      if (known === undefined) throw Object.assign(new Error(`node ${nodeId} has no socket here`), { code: 'NodeUnreachable' })
      return known.slice(-request.tailLines)
    },
    async callDevice(nodeId, request) {
      const answer = answers.get(nodeId)
      if (answer === undefined) throw Object.assign(new Error(`node ${nodeId} has no socket here`), { code: 'NodeUnreachable' })
      return answer(request)
    },
  }
}

export interface FakeObjects extends Objects {
  /** Stored objects by key. */
  readonly stored: Map<string, { sizeBytes: number; sha256: string; problem?: string; text?: string }>
}

export function fakeObjects(): FakeObjects {
  const stored: FakeObjects['stored'] = new Map()
  const address = (base: string, key: string) => `${base}/oss/test/${key}`
  return {
    stored,
    address,
    presign: (base, method, key, expiresAtMs) => `${address(base, key)}?method=${method}&Expires=${Math.floor(expiresAtMs / 1000)}`,
    keyOf: (text) => new URL(text, origin).pathname.match(/^\/oss\/test\/(.+)$/)?.[1],
    async find(key) {
      const object = stored.get(key)
      return object && { sizeBytes: object.sizeBytes, sha256: object.sha256 }
    },
    async text(key) {
      return stored.get(key)?.text
    },
    async inspect(key) {
      return stored.get(key)
    },
  }
}
