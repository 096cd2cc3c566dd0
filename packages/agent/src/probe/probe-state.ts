// When is a container ready? Pure: results of checks in, readiness and the pause before the next check out.
import type { Probe } from '@littoral/contract/node/desired-state'

export interface ProbeState {
  readonly isReady: boolean
  /** Checks in a row with the same result as the last one. */
  readonly successes: number
  readonly failures: number
  /** Checks done before the first success. */
  readonly early: number
}

export const firstProbeState: ProbeState = { isReady: false, successes: 0, failures: 0, early: 0 }

/** The state after one more check. */
export function nextProbeState(
  state: ProbeState,
  isSuccess: boolean,
  probe: Pick<Probe, 'successThreshold' | 'failureThreshold'>,
): ProbeState {
  if (isSuccess) {
    const successes = state.successes + 1
    return { ...state, successes, failures: 0, isReady: state.isReady || successes >= probe.successThreshold }
  }
  const failures = state.failures + 1
  const hasSucceeded = state.isReady || state.successes > 0
  return {
    isReady: state.isReady && failures < probe.failureThreshold,
    successes: 0,
    failures,
    early: hasSucceeded ? state.early : state.early + 1,
  }
}

const firstPauseMs = 50

/**
 * The pause after a check. Before the first success the pauses grow from 50 ms to the period, so that a container that is
 * up in 200 ms does not wait ten seconds to be used; from then on the period holds, between successes too.
 */
export function probePauseMs(state: ProbeState, probe: Pick<Probe, 'periodSeconds'>, tookMs: number): number {
  const periodMs = probe.periodSeconds * 1000
  const isEarly = !state.isReady && state.successes === 0 && state.failures === state.early
  if (!isEarly) return Math.max(0, periodMs - tookMs)
  const pauseMs = firstPauseMs * 1.4 ** Math.min(state.early - 1, 32)
  // A slow check (an exec takes its time) must not run back to back.
  return Math.min(periodMs, Math.max(pauseMs, tookMs))
}
