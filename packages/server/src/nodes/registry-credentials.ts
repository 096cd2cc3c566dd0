// GET /node/v1/registry-credentials?key=…&registry=…: how a node that is about to pull gets the newest image secret of the
// application for that registry. Only for workloads it has to run, and only for registries their images come from, so a
// stolen node gives away no more than it could pull anyway. Registered by server.ts.
import { Fault } from '@littoral/contract/errors'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isPulledFrom, sealPurpose } from '../domain/image-secret.ts'
import type { Services } from '../operations/context.ts'
import * as assignments from '../store/assignments.ts'
import * as secrets from '../store/edge-container/image-secrets.ts'
import { admit, type AdmissionServices, nodeOf } from './admission.ts'

export type CredentialServices = AdmissionServices & Pick<Services, 'log' | 'box'>

type CredentialRequest = FastifyRequest<{ Querystring: { key?: unknown; registry?: unknown } }>

/** `{}` where the application has no secret for the registry. */
type Credential = { readonly username: string; readonly password: string } | Record<string, never>

export function mountRegistryCredentials(app: FastifyInstance, services: CredentialServices): void {
  app.get('/node/v1/registry-credentials', async (request: CredentialRequest, reply) => {
    reply.header('cache-control', 'no-store')
    try {
      return await findCredential(request, services)
    } catch (error) {
      if (!(error instanceof Fault)) services.log.error({ err: error }, 'an image secret could not be handed out')
      const fault = error instanceof Fault ? error : new Fault('InternalError')
      return reply.code(fault.status).send({ code: fault.code, message: fault.message })
    }
  })
}

async function findCredential(request: CredentialRequest, services: CredentialServices): Promise<Credential> {
  const { key, registry: asked } = request.query
  const nodeId = await nodeOf(await admit(request.headers.authorization, services), services)
  if (nodeId === undefined || typeof key !== 'string' || typeof asked !== 'string') throw new Fault('Node.CredentialForbidden')
  const registry = asked.toLowerCase()
  const secret = await services.store.read(async (tx) => {
    const workload = (await assignments.listByNode(tx, nodeId)).find((assignment) => assignment.key === key)?.workload
    if (workload?.kind !== 'group' || !isPulledFrom(workload, registry)) throw new Fault('Node.CredentialForbidden')
    return secrets.findSealed(tx, workload.appId, registry)
  })
  if (secret === undefined) return {}
  services.log.info({ nodeId, appId: secret.appId, name: secret.name, registry }, 'image secret handed out for a pull')
  return { username: secret.username, password: services.box.open(secret.sealed, sealPurpose(secret)) }
}
