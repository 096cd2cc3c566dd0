// What nodes ask over plain HTTP beside downloads: short answers that do not belong into their desired state.
import type { FastifyInstance } from 'fastify'
import { type CredentialServices, mountRegistryCredentials } from './registry-credentials.ts'
import { mountThingModels } from './thing-models.ts'

export function mountNodeQuestions(app: FastifyInstance, services: CredentialServices): void {
  mountRegistryCredentials(app, services)
  mountThingModels(app, services)
}
