// The object store with its routes: what server.ts opens and mounts.
import type { FastifyInstance } from 'fastify'
import type { Settings } from '../domain/settings.ts'
import type { Log } from '../operations/context.ts'
import type { ObjectCredentials } from './authorization.ts'
import { type ObjectStore, type ObjectStoreOptions, openObjectStore } from './object-store.ts'
import { mountObjects } from './routes.ts'

export interface ServedObjects extends ObjectStore {
  /** Adds the routes under /oss/. The scope must be this mount's own. */
  mount(scope: FastifyInstance): void
}

export interface ObjectsOptions extends ObjectStoreOptions {
  readonly log: Log
  readonly settings: Pick<Settings, 'limits'>
  readonly credentials: ObjectCredentials
}

/** Says in the log when the bucket does not answer; the server starts all the same, because most of it needs no object. */
async function lookAtBucket(objects: ObjectStore, log: Log): Promise<void> {
  await objects
    .openByDigest('0'.repeat(64))
    .catch((error: unknown) => log.error({ err: (error as Error).cause ?? error }, 'the bucket of objects does not answer'))
}

export async function openObjects({ log, settings, credentials, ...options }: ObjectsOptions): Promise<ServedObjects> {
  const objects = await openObjectStore(options)
  if (options.s3 !== undefined) void lookAtBucket(objects, log)
  const services = { objects, credentials, now: options.now, log, packageBytes: settings.limits.packageBytes }
  return { ...objects, mount: (scope) => mountObjects(scope, services) }
}
