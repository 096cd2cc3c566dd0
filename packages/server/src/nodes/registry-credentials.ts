// GET /node/v1/registry-credentials?key=…&registry=…: how a node that is about to pull gets the newest image secret of the
// application for that registry. Only for workloads it has to run, and only for registries their images come from, so a
// stolen node gives away no more than it could pull anyway. The answer is sealed to the key the node joined with: who reads the
// line, or knows the node's secret, cannot open it. Registered by server.ts.
import { Fault } from '@littoral/contract/errors'
import { registryCredentialPurpose, sealTo } from '@littoral/contract/wire/sealed'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isPulledFrom, sealPurpose } from '../domain/image-secret.ts'
import type { Services } from '../operations/context.ts'
import * as assignments from '../store/assignments.ts'
import * as secrets from '../store/edge-container/image-secrets.ts'
import * as nodes from '../store/nodes.ts'
import { admit, type AdmissionServices, nodeOf } from './admission.ts'

export type CredentialServices = AdmissionServices & Pick<Services, 'log' | 'box'>

type CredentialRequest = FastifyRequest<{ Querystring: { key?: unknown; registry?: unknown } }>

/** Inside of the seal: `{}` where the application has no secret for the registry. */
type Credential = { readonly username: string; readonly password: string } | Record<string, never>

export function mountRegistryCredentials(app: FastifyInstance, services: CredentialServices): void {
  app.get('/node/v1/registry-credentials', async (request: CredentialRequest, reply) => {
    reply.header('cache-control', 'no-store')
    try {
      return { sealed: await sealCredential(request, services) }
    } catch (error) {
      if (!(error instanceof Fault)) services.log.error({ err: error }, 'an image secret could not be handed out')
      const fault = error instanceof Fault ? error : new Fault('InternalError')
      return reply.code(fault.status).send({ code: fault.code, message: fault.message })
    }
  })
}

async function sealCredential(request: CredentialRequest, services: CredentialServices): Promise<string> {
  const { key, registry } = request.query
  const nodeId = await nodeOf(await admit(request.headers.authorization, services), services)
  if (nodeId === undefined || typeof key !== 'string' || typeof registry !== 'string') throw new Fault('Node.CredentialForbidden')
  const node = await services.store.read((tx) => nodes.find(tx, nodeId))
  if (node?.facts.sealKey === undefined) throw new Fault('Node.SealKeyMissing')
  const credential = await findCredential({ nodeId, key, registry: registry.toLowerCase() }, services)
  return sealTo(node.facts.sealKey, JSON.stringify(credential), registryCredentialPurpose(key, registry))
}

interface Asked {
  readonly nodeId: string
  readonly key: string
  readonly registry: string
}

async function findCredential({ nodeId, key, registry }: Asked, services: CredentialServices): Promise<Credential> {
  const secret = await services.store.read(async (tx) => {
    const workload = (await assignments.listByNode(tx, nodeId)).find((assignment) => assignment.key === key)?.workload
    if (workload?.kind !== 'group' || !isPulledFrom(workload, registry)) throw new Fault('Node.CredentialForbidden')
    return secrets.findSealed(tx, workload.appId, registry)
  })
  if (secret === undefined) return {}
  services.log.info({ nodeId, appId: secret.appId, name: secret.name, registry }, 'image secret handed out for a pull')
  return { username: secret.username, password: services.box.open(secret.sealed, sealPurpose(secret)) }
}
