// An image secret: what a private registry wants to see when an application's images are pulled (contract:
// esa-edge-container §7). Pure; the password is here only in the clear, and never stored like that.
import { registryOf } from '@littoral/contract/node/image-name'
import type { Workload } from '@littoral/contract/node/desired-state'
import { Fault } from '@littoral/contract/errors'

export interface ImageSecret {
  readonly appId: string
  readonly accountId: string
  /** Made by the server: `reg-` and digits. */
  readonly name: string
  /** host or host:port, in lower case. */
  readonly registry: string
  readonly username: string
  /** Later for every further secret of an application, so that there is always one newest. */
  readonly createdAtMs: number
}

const hostAndPort = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:\d{1,5})?$/

/** A registry as images name it; throws InvalidParameter. */
export function parseRegistry(text: string): string {
  const host = text.toLowerCase()
  if (!hostAndPort.test(host) || Number(/:(\d+)$/.exec(host)?.[1] ?? 1) > 65_535) {
    throw new Fault('InvalidParameter', {
      Detail: 'Registry: the host as images name it, such as images.example.com or images.example.com:5000.',
    })
  }
  // As registryOf() reads it in the names of images.
  return host === 'index.docker.io' ? 'docker.io' : host
}

/** `newestAtMs` is the time of the application's newest secret. */
export function newImageSecret(draft: Omit<ImageSecret, 'createdAtMs'>, nowMs: number, newestAtMs: number | undefined): ImageSecret {
  return { ...draft, createdAtMs: newestAtMs === undefined ? nowMs : Math.max(nowMs, newestAtMs + 1) }
}

/** True when one of the workload's images comes from the registry. */
export function isPulledFrom(workload: Workload, registry: string): boolean {
  return workload.kind === 'group' && workload.containers.some(({ image }) => registryOf(image).toLowerCase() === registry)
}

/** What a sealed password is bound to: it cannot be opened in another row. */
export function sealPurpose({ appId, name }: Pick<ImageSecret, 'appId' | 'name'>): string {
  return `image-secret/${appId}/${name}`
}
