import { describe, expect, it } from 'vitest'
import { confirm, effectiveState, emptyLedger, matchingLedger, nextLedger, retreat, withRetreats } from './trial.ts'
import { desiredState, driver, group } from './test-workloads.ts'

const key = 'app/app-1/prod'
const v1 = group({ version: 'ver-1' })
const v2 = group({ version: 'ver-2', confirmSeconds: 60 })
const v3 = group({ version: 'ver-3', confirmSeconds: 60 })
const state = desiredState

/** The ledger after these states, one after the other. */
function after(...states: ReturnType<typeof state>[]) {
  return states.reduce((ledger, next, at) => nextLedger(ledger, states[at - 1], next), emptyLedger)
}

const goneBack = (() => {
  const ledger = after(state(1, v1), state(2, v2))
  return retreat(ledger, ledger.trials[0]!, { id: 'r1', atMs: 1000.4 })
})()

describe('a version', () => {
  it('is on trial when it replaces another and asks for it', () => {
    expect(after(state(1, v1), state(2, v2)).trials).toEqual([
      { key, version: 'ver-2', digest: v2.digest, confirmSeconds: 60, lastGood: v1, aloneMs: 0 },
    ])
  })

  it.each([
    ['is the first one', after(state(1, v2))],
    ['does not ask for it', after(state(1, v1), state(2, group({ version: 'ver-4' })))],
    ['is the one that runs already', after(state(1, v1), state(2, { ...v1, confirmSeconds: 60 }))],
    ['was taken away', after(state(1, v1), state(2, v2), state(3))],
    ['is the last good one again', after(state(1, v1), state(2, v2), state(3, { ...v1, confirmSeconds: 60 }))],
    ['was confirmed', confirm(after(state(1, v1), state(2, v2)), [{ key, digest: v2.digest }])],
  ])('is not on trial when it %s', (_why, ledger) => {
    expect(ledger.trials).toEqual([])
  })

  it('stays on trial while other things change, with a newer patience', () => {
    const other = group({ key: 'app/b/prod' })
    const [trial] = after(state(1, v1), state(2, v2), state(3, { ...v2, confirmSeconds: 90 }, other)).trials
    expect(trial).toMatchObject({ digest: v2.digest, confirmSeconds: 90, lastGood: v1 })
  })

  it('that replaces one on trial falls back to what was good before both', () => {
    expect(after(state(1, v1), state(2, v2), state(3, v3)).trials).toMatchObject([{ version: 'ver-3', lastGood: v1 }])
  })

  it('that was confirmed is what the next one falls back to, and not on trial there', () => {
    const confirmed = confirm(after(state(1, v1), state(2, v2)), [{ key, digest: v2.digest }])
    const { confirmSeconds: _confirmSeconds, ...good } = v2
    expect(nextLedger(confirmed, state(2, v2), state(3, v3)).trials).toMatchObject([{ version: 'ver-3', lastGood: good }])
  })

  it('is not confirmed by the answer for another digest', () => {
    const ledger = after(state(1, v1), state(2, v2))
    expect(confirm(ledger, [{ key, digest: 'other' }])).toBe(ledger)
  })
})

describe('a retreat', () => {
  it('runs the last good version in place of the wanted one, and says why', () => {
    expect(effectiveState(state(2, v2), goneBack)).toEqual(state(2, v1))
    const about = { key, version: 'ver-1', digest: v1.digest, phase: 'ready' as const }
    const report = { ...about, restarts: 0, addresses: [], containers: [], observedAtMs: 1 }
    expect(withRetreats([report], goneBack)).toEqual([
      {
        ...report,
        retreat: {
          id: 'r1',
          version: 'ver-2',
          digest: v2.digest,
          atMs: 1000,
          reason: {
            code: 'ContactLost',
            message: 'contact with the server was lost for 60 s after version ver-2 began, so this node went back to version ver-1',
          },
        },
      },
    ])
  })

  it('lasts while the server asks for the same version', () => {
    const ledger = nextLedger(goneBack, state(2, v2), state(3, v2, group({ key: 'app/b/prod' })))
    expect(effectiveState(state(3, v2), ledger)).toEqual(state(3, v1))
  })

  it('is over with another version, and still told', () => {
    const ledger = nextLedger(goneBack, state(2, v2), state(3, v3))
    expect(effectiveState(state(3, v3), ledger)).toEqual(state(3, v3))
    expect(ledger.trials).toMatchObject([{ version: 'ver-3', lastGood: v1 }])
    expect(ledger.retreats).toMatchObject([{ id: 'r1' }])
    expect(confirm(ledger, [{ key, digest: v3.digest }])).toEqual(emptyLedger)
  })

  it('is forgotten when the version is asked for again: it gets another try', () => {
    const back = nextLedger(goneBack, state(2, v2), state(3, v1))
    const again = nextLedger(back, state(3, v1), state(4, v2))
    expect(again.retreats).toEqual([])
    expect(again.trials).toMatchObject([{ version: 'ver-2', lastGood: v1 }])
    expect(effectiveState(state(4, v2), again)).toEqual(state(4, v2))
  })
})

describe('a driver', () => {
  const d1 = driver({ version: '1.0.0' })
  const d2 = driver({ version: '2.0.0', confirmSeconds: 60, trialId: 'job-1' })
  const back = (() => {
    const ledger = after(state(1, d1), state(2, d2))
    return retreat(ledger, ledger.trials[0]!, { id: 'r1', atMs: 1000 })
  })()

  it('is gone back from as any other workload, and the deployment is named', () => {
    expect(effectiveState(state(2, d2), back)).toEqual(state(2, d1))
    const about = { key: d2.key, version: '1.0.0', digest: d1.digest, phase: 'ready' as const }
    const [report] = withRetreats([{ ...about, restarts: 0, addresses: [], containers: [], observedAtMs: 1 }], back)
    expect(report?.retreat).toMatchObject({ digest: d2.digest, trialId: 'job-1', reason: { code: 'ContactLost' } })
    expect(report?.retreat).not.toHaveProperty('lastGood')
  })

  it('gets another try when the next deployment brings the same, and is gone back from to the same then', () => {
    const again = { ...d2, trialId: 'job-2' }
    const ledger = nextLedger(back, state(2, d2), state(3, again))
    expect(ledger).toMatchObject({ retreats: [], trials: [{ digest: d2.digest, trialId: 'job-2', lastGood: { digest: d1.digest } }] })
    expect(effectiveState(state(3, again), ledger)).toEqual(state(3, again))
    // Told once more by the same deployment it stays as it is.
    expect(nextLedger(back, state(2, d2), state(3, d2, group())).retreats).toMatchObject([{ id: 'r1', lastGood: { digest: d1.digest } }])
  })

  it('falls back to a last good one that is not on trial itself', () => {
    const confirmed = confirm(after(state(1, d1), state(2, d2)), [{ key: d2.key, digest: d2.digest }])
    const d3 = driver({ version: '3.0.0', confirmSeconds: 60, trialId: 'job-3' })
    const [trial] = nextLedger(confirmed, state(2, d2), state(3, d3)).trials
    expect(trial?.lastGood).toMatchObject({ version: '2.0.0' })
    expect(trial?.lastGood).toEqual({ ...d2, confirmSeconds: undefined, trialId: undefined })
  })
})

describe('what is read from disk', () => {
  it('counts only as far as it speaks of the state beside it', () => {
    const ledger = after(state(1, v1), state(2, v2))
    expect(matchingLedger(ledger, state(1, v1))).toEqual(emptyLedger)
    expect(matchingLedger(ledger, state(2, v2))).toEqual(ledger)
    expect(matchingLedger(goneBack, undefined)).toEqual(emptyLedger)
  })
})
