import type { ContainerReport } from '@littoral/contract/node/report'
import { describe, expect, it } from 'vitest'
import { stagingStatus, type StagingView } from './staging-status.ts'

const assignment = { version: 'ver-1', digest: 'd1' }
const container = (change: Partial<ContainerReport> = {}): ContainerReport => ({
  name: 'web',
  state: 'running',
  isReady: true,
  restarts: 0,
  ...change,
})
type Report = NonNullable<StagingView['report']>
const report = (change: Partial<Report>): Report => ({
  ...assignment,
  phase: 'ready',
  restarts: 0,
  addresses: [],
  containers: [container()],
  ...change,
})
const statusOf = (change: Partial<StagingView>) => stagingStatus({ isPublished: true, assignment, isNodeOnline: true, ...change })
const conditions = ({ isScheduled, isInitialized, areContainersReady, isReady }: ReturnType<typeof stagingStatus>) =>
  [isScheduled, isInitialized, areContainersReady, isReady].map((isMet) => (isMet ? 'ok' : '-')).join(' ')

describe('the staging instance', () => {
  it.each<[story: string, view: Partial<StagingView>, phase: string, conditions: string]>([
    ['nothing was published', { isPublished: false }, 'NoContainer', '- - - -'],
    ['no node was chosen yet', { assignment: undefined }, 'Pending', '- - - -'],
    ['its node has not said anything yet', {}, 'Pending', 'ok - - -'],
    ['its node is away and never said anything', { isNodeOnline: false }, 'Unknown', 'ok - - -'],
    ['its node is away', { isNodeOnline: false, report: report({}) }, 'Unknown', 'ok - - -'],
    ['its node still speaks of another version', { report: report({ version: 'ver-0' }) }, 'Pending', 'ok - - -'],
    ['its node still speaks of another content', { report: report({ digest: 'd0' }) }, 'Pending', 'ok - - -'],
    ['the node has accepted it', { report: report({ phase: 'pending', containers: [] }) }, 'Pending', 'ok - - -'],
    ['images are being pulled', { report: report({ phase: 'preparing', containers: [] }) }, 'ContainerCreating', 'ok - - -'],
    [
      'an image cannot be pulled',
      { report: report({ phase: 'preparing', containers: [], reason: { code: 'ImagePullFailed', message: 'no such image' } }) },
      'ImagePullBackOff',
      'ok - - -',
    ],
    [
      'an image is not there',
      { report: report({ phase: 'failed', containers: [], reason: { code: 'ImageNotFound', message: 'no such tag' } }) },
      'ImagePullBackOff',
      'ok - - -',
    ],
    [
      'it runs and its probes have not passed yet',
      { report: report({ phase: 'starting', containers: [container({ isReady: false })] }) },
      'Running',
      'ok ok - -',
    ],
    [
      'one of its containers is still being made',
      { report: report({ phase: 'starting', containers: [container(), container({ state: 'waiting', isReady: false })] }) },
      'ContainerCreating',
      'ok ok - -',
    ],
    ['it is ready', { report: report({}) }, 'Running', 'ok ok ok ok'],
    ['its probes fail now', { report: report({ phase: 'unready', containers: [container({ isReady: false })] }) }, 'Running', 'ok ok - -'],
    [
      'it keeps exiting',
      { report: report({ phase: 'backoff', containers: [container({ state: 'exited', isReady: false })] }) },
      'CrashLoopBackOff',
      'ok ok - -',
    ],
    ['it cannot run', { report: report({ phase: 'failed', containers: [] }) }, 'Failed', 'ok - - -'],
    ['it has left the node', { report: report({ phase: 'gone', containers: [] }) }, 'Pending', 'ok - - -'],
    ['it is being stopped', { report: report({ phase: 'stopping', containers: [] }) }, 'Unknown', 'ok - - -'],
  ])('%s: %s', (_story, view, phase, expected) => {
    const status = statusOf(view)
    expect(status.phase).toBe(phase)
    expect(conditions(status)).toBe(expected)
  })

  it('shows restarts, birth and addresses as its node reported them', () => {
    const addresses = [
      { host: '192.0.2.10', port: 32768, servicePort: 80 },
      { host: '2001:db8::1', port: 80, servicePort: 80 },
    ]
    const told = report({ createdAtMs: 5, restarts: 2, lastRestartReason: 'OutOfMemory', addresses })
    expect(statusOf({ report: told })).toMatchObject({
      createdAtMs: 5,
      restarts: 2,
      lastRestartReason: 'OOMKilled',
      addresses: ['192.0.2.10:32768', '[2001:db8::1]:80'],
    })
    expect(statusOf({ report: told, isNodeOnline: false })).toMatchObject({ restarts: 2, addresses: [] })
  })
})
