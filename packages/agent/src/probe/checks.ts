// One check of a container from the node: a TCP connection or an HTTP request to the group's address. An exec check needs
// the runtime and is handed in by it.
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import type { Probe } from '@littoral/contract/node/desired-state'

export interface CheckResult {
  isSuccess: boolean
  /** What went wrong, for the report. */
  message: string
  /** What the check saw, where that says more than the message. */
  output?: string
}

const passed = (output: string): CheckResult => ({ isSuccess: true, message: '', output })
const failed = (message: string): CheckResult => ({ isSuccess: false, message })

/** Passes when the port accepts a connection. */
export function checkTcp(probe: Probe, address: string, signal: AbortSignal): Promise<CheckResult> {
  const host = probe.host ?? address
  const where = `${host}:${probe.port}`
  return new Promise((resolve) => {
    const socket = net.connect({ host, port: probe.port ?? 0 })
    const finish = (result: CheckResult) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      resolve(result)
    }
    const onAbort = () => finish(failed('the probe was ended'))
    const timer = setTimeout(
      () => finish(failed(`no connection to ${where} within ${probe.timeoutSeconds} s`)),
      probe.timeoutSeconds * 1000,
    )
    signal.addEventListener('abort', onAbort, { once: true })
    socket.once('connect', () => finish(passed(`connected to ${where}`)))
    socket.once('error', (error) => finish(failed(`no connection to ${where}: ${error.message}`)))
  })
}

/**
 * Passes when the answer's status is 200 to 399. Certificates are not verified and redirects are not followed, as in
 * https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#http-probes
 */
export function checkHttp(probe: Probe, address: string, signal: AbortSignal): Promise<CheckResult> {
  const scheme = probe.scheme ?? 'http'
  const host = probe.host ?? address
  const path = (probe.path ?? '/').startsWith('/') ? (probe.path ?? '/') : `/${probe.path}`
  const where = `${scheme}://${host}:${probe.port}${path}`
  return new Promise((resolve) => {
    const options = { host, port: probe.port, path: encodeURI(decoded(path)), headers: headersOf(probe), agent: false, signal }
    const request = scheme === 'https' ? https.request({ ...options, rejectUnauthorized: false }) : http.request(options)
    const timer = setTimeout(() => request.destroy(new Error(`no answer within ${probe.timeoutSeconds} s`)), probe.timeoutSeconds * 1000)
    const finish = (result: CheckResult) => {
      clearTimeout(timer)
      resolve(result)
      request.destroy()
    }
    request.once('error', (error) => finish(failed(`${where}: ${error.message}`)))
    request.once('response', (answer) => {
      const status = answer.statusCode ?? 0
      finish(status >= 200 && status < 400 ? passed(`${where} answered ${status}`) : failed(`${where} answered ${status}`))
    })
    request.end()
  })
}

/** A path may come escaped or not; both mean the same request. */
function decoded(path: string): string {
  try {
    return decodeURI(path)
  } catch {
    return path
  }
}

function headersOf(probe: Probe): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { 'User-Agent': 'littoral-probe/1', Accept: '*/*' }
  const given = new Set<string>()
  for (const { name, value } of probe.headers ?? []) {
    const known = Object.keys(headers).find((other) => other.toLowerCase() === name.toLowerCase())
    const before = known !== undefined && given.has(known) ? headers[known] : undefined
    headers[known ?? name] = before === undefined ? value : [before, value].flat()
    given.add(known ?? name)
  }
  return headers
}
