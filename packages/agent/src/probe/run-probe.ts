// Runs one container's probe until it is stopped: checks never overlap, each has its timeout, and whoever asked is told
// when readiness changes.
import type { Probe } from '@littoral/contract/node/desired-state'
import type { ProbeResult } from '@littoral/contract/node/incident'
import { checkHttp, checkTcp, type CheckResult } from './checks.ts'
import { firstProbeState, nextProbeState, probePauseMs } from './probe-state.ts'

export interface ProbeRun {
  readonly isReady: boolean
  /** Why the last check failed; empty after a success. */
  readonly message: string
  /** Failures in a row. */
  readonly failures: number
  stop(): void
}

export interface RunProbe {
  probe: Probe
  /** The group's address at the time of the check; undefined while it has none. */
  address: () => string | undefined
  exec: (command: readonly string[], timeoutMs: number, signal: AbortSignal) => Promise<CheckResult>
  onChange: () => void
  /** Told of every check. */
  onResult?: (result: ProbeResult) => void
}

export function runProbe(options: RunProbe): ProbeRun {
  const { probe } = options
  const ending = new AbortController()
  let state = firstProbeState
  let message = ''
  let timer = setTimeout(check, probe.initialDelaySeconds * 1000)
  function check(): void {
    const [startedAtMs, atMs] = [performance.now(), Date.now()]
    void checkOnce(options, ending.signal).then((result) => {
      if (ending.signal.aborted) return
      const wasReady = state.isReady
      const before = message
      state = nextProbeState(state, result.isSuccess, probe)
      message = result.isSuccess ? '' : result.message
      const tookMs = Math.round(performance.now() - startedAtMs)
      options.onResult?.({ atMs, tookMs, isSuccess: result.isSuccess, output: result.output ?? result.message })
      timer = setTimeout(check, probePauseMs(state, probe, performance.now() - startedAtMs))
      if (state.isReady !== wasReady || (message !== before && state.failures === probe.failureThreshold)) options.onChange()
    })
  }
  return {
    get isReady() {
      return state.isReady
    },
    get message() {
      return message
    },
    get failures() {
      return state.failures
    },
    stop() {
      clearTimeout(timer)
      ending.abort()
    },
  }
}

async function checkOnce(options: RunProbe, signal: AbortSignal): Promise<CheckResult> {
  const { probe } = options
  try {
    if (probe.type === 'exec') return await options.exec(probe.command ?? [], probe.timeoutSeconds * 1000, signal)
    const address = options.address()
    if (address === undefined) return { isSuccess: false, message: 'the group has no address yet' }
    return await (probe.type === 'tcpSocket' ? checkTcp(probe, address, signal) : checkHttp(probe, address, signal))
  } catch (error) {
    return { isSuccess: false, message: error instanceof Error ? error.message : String(error) }
  }
}
