// An application: a named shell with its ports and the gateway's health check, immutable once made (contract:
// esa-edge-container §4.1, §6.1). Pure.
import { Fault } from '@littoral/contract/errors'
import type { Settings } from './settings.ts'

export type Environment = 'prod' | 'staging'
export const environments: readonly Environment[] = ['prod', 'staging']

export interface HealthCheck {
  readonly kind: '' | 'l4' | 'l7'
  readonly host: string
  readonly uri: string
  readonly method: 'HEAD' | 'GET'
  readonly httpCode: 'http_2xx' | 'http_3xx'
  readonly port: number
  readonly timeoutSeconds: number
  readonly intervalSeconds: number
  readonly successTimes: number
  readonly failTimes: number
}

export interface App {
  readonly id: string
  readonly accountId: string
  readonly name: string
  /** deleted: gone for its owner, while loops still take its instances off the nodes. */
  readonly status: 'created' | 'deleted'
  readonly remarks: string
  readonly servicePort: number
  readonly targetPort: number
  readonly healthCheck: HealthCheck
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

// The vendor's defaults; clients compare them, so they must not drift (contract: esa-edge-container §11, Terraform).
const defaultHealthCheck: HealthCheck = {
  kind: '',
  host: '',
  uri: '/',
  method: 'HEAD',
  httpCode: 'http_2xx',
  port: 80,
  timeoutSeconds: 3,
  intervalSeconds: 5,
  successTimes: 2,
  failTimes: 5,
}

export interface AppDraft {
  readonly id: string
  readonly accountId: string
  readonly name: string
  readonly remarks: string
  readonly servicePort: number
  readonly targetPort: number
  readonly healthCheck: Partial<HealthCheck>
}

/** Makes an application that is created at once. Throws InvalidParameter where ports are strict and the port is another. */
export function newApp(draft: AppDraft, settings: Pick<Settings, 'hasStrictServicePorts'>, nowMs: number): App {
  if (settings.hasStrictServicePorts && draft.servicePort !== 80 && draft.servicePort !== 443) {
    throw new Fault('InvalidParameter', { Detail: 'ServicePort: this installation only allows 80 and 443.' })
  }
  const healthCheck = { ...defaultHealthCheck, ...draft.healthCheck }
  return { ...draft, healthCheck, status: 'created', createdAtMs: nowMs, updatedAtMs: nowMs }
}

/** The key of an application's workload in one environment. */
export function workloadKey(appId: string, environment: Environment): string {
  return `app/${appId}/${environment}`
}
