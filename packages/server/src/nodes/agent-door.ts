// GET /node/v1/agent: the agent as one file, for whoever installs a node; GET /node/v1/agent/<sha256>: a certain one, for a
// node that is upgraded. Both are public, like the program itself: nothing in it is secret, and a new machine has nothing to
// show yet. What a node starts is decided by the digest that it is told over its own connection. Registered by server.ts.
import { createReadStream } from 'node:fs'
import { Fault } from '@littoral/contract/errors'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AgentBundle, AgentBundles, Log } from '../operations/context.ts'
import { sendFile } from './downloads.ts'

export interface AgentDoor {
  readonly bundles: AgentBundles
  readonly log: Log
}

export function mountAgentDoor(app: FastifyInstance, { bundles, log }: AgentDoor): void {
  const answer = async (request: FastifyRequest, reply: FastifyReply, isWanted: (bundle: AgentBundle) => boolean) => {
    try {
      const bundle = (await bundles.list()).find(isWanted)
      if (bundle === undefined) throw new Fault('Node.BundleNotFound')
      reply.raw.setHeader('X-Littoral-Agent-Version', bundle.version)
      reply.raw.setHeader('X-Littoral-Agent-Sha256', bundle.sha256)
      reply.raw.setHeader('Content-Disposition', 'attachment; filename="littoral-agent.mjs"')
      const files = {
        openByDigest: async (_sha256: string, range?: { start: number; end: number }) => createReadStream(bundle.path, range),
      }
      await sendFile(bundle, { request, reply, files })
    } catch (error) {
      if (reply.raw.headersSent) return reply.raw.destroy()
      if (!(error instanceof Fault)) log.error({ err: error }, 'an agent could not be handed out')
      const fault = error instanceof Fault ? error : new Fault('InternalError')
      return reply.code(fault.status).send({ code: fault.code, message: fault.message })
    }
  }
  app.get<{ Querystring: { version?: unknown } }>('/node/v1/agent', (request, reply) => {
    const { version } = request.query
    return answer(request, reply, (bundle) => (version === undefined ? bundle.isOwn : bundle.version === version))
  })
  app.get<{ Params: { sha256: string } }>('/node/v1/agent/:sha256', (request, reply) =>
    answer(request, reply, (bundle) => bundle.sha256 === request.params.sha256),
  )
}
