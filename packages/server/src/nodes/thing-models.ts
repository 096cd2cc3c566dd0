// GET /node/v1/thing-models?productKey=…: how a node gets the thing model that a driver asks it for. Only of products with devices
// behind its gateway. Registered by server.ts.
import { Fault } from '@littoral/contract/errors'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Services } from '../operations/context.ts'
import * as models from '../store/iot-edge/thing-models.ts'
import { admit, type AdmissionServices, nodeOf } from './admission.ts'

type ModelRequest = FastifyRequest<{ Querystring: { productKey?: unknown } }>

export function mountThingModels(app: FastifyInstance, services: AdmissionServices & Pick<Services, 'log'>): void {
  app.get('/node/v1/thing-models', async (request: ModelRequest, reply) => {
    reply.header('cache-control', 'no-store')
    try {
      return await readModel(request, services)
    } catch (error) {
      if (!(error instanceof Fault)) services.log.error({ err: error }, 'a thing model could not be handed out')
      const fault = error instanceof Fault ? error : new Fault('InternalError')
      return reply.code(fault.status).send({ code: fault.code, message: fault.message })
    }
  })
}

/** `{}` where the product has no model. */
async function readModel(request: ModelRequest, services: AdmissionServices): Promise<{ model?: string }> {
  const { productKey } = request.query
  const nodeId = await nodeOf(await admit(request.headers.authorization, services), services)
  if (nodeId === undefined || typeof productKey !== 'string') throw new Fault('Node.CredentialForbidden')
  const { isBound, ...found } = await services.store.read((tx) => models.findForNode(tx, nodeId, productKey))
  if (!isBound) throw new Fault('Node.CredentialForbidden')
  return found
}
