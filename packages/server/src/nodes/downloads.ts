// GET /node/v1/objects/<sha256>: how a node fetches the packages and config files its desired state names, whole or from
// where it was interrupted. Registered by server.ts.
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Fault } from '@littoral/contract/errors'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Services } from '../operations/context.ts'
import { admit, type AdmissionServices, nodeOf } from './admission.ts'
import { readDownloads } from './desired.ts'

export interface ObjectFiles {
  findByDigest(sha256: string): Promise<{ readonly sizeBytes: number } | undefined>
  openByDigest(sha256: string, range?: { readonly start: number; readonly end: number }): Promise<Readable | undefined>
}

export type DownloadServices = AdmissionServices & Pick<Services, 'log'> & { readonly files: ObjectFiles }

export function mountDownloads(app: FastifyInstance, services: DownloadServices): void {
  app.get<{ Params: { sha256: string } }>('/node/v1/objects/:sha256', async (request, reply) => {
    try {
      const file = await findAllowed(request, services)
      await sendFile(file, { request, reply, files: services.files })
    } catch (error) {
      if (reply.raw.headersSent) return reply.raw.destroy()
      if (!(error instanceof Fault)) services.log.error({ err: error }, 'a download failed')
      const fault = error instanceof Fault ? error : new Fault('InternalError')
      return reply.code(fault.status).send({ code: fault.code, message: fault.message })
    }
  })
}

interface Download {
  readonly sizeBytes: number
  readonly sha256: string
}

async function findAllowed(request: FastifyRequest<{ Params: { sha256: string } }>, services: DownloadServices): Promise<Download> {
  const { sha256 } = request.params
  const nodeId = await nodeOf(await admit(request.headers.authorization, services), services)
  const isAllowed = nodeId !== undefined && (await readDownloads(services.store, nodeId)).has(sha256)
  if (!isAllowed) throw new Fault('Node.DownloadForbidden')
  const file = await services.files.findByDigest(sha256)
  if (file === undefined) throw new Fault('Node.DownloadNotFound')
  return { ...file, sha256 }
}

interface Sending {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly files: Pick<ObjectFiles, 'openByDigest'>
}

/** Answers with a file, whole or the part that was asked for. */
export async function sendFile(file: Download, { request, reply, files }: Sending): Promise<void> {
  const etag = `"${file.sha256}"`
  const ifRange = request.headers['if-range']
  const asked = ifRange === undefined || ifRange === etag ? request.headers.range : undefined
  const range = parseRange(asked, file.sizeBytes)
  const isEmpty = request.method === 'HEAD' || range === 'unsatisfiable' || file.sizeBytes === 0
  const content = isEmpty ? undefined : await files.openByDigest(file.sha256, range)
  if (content === undefined && !isEmpty) throw new Fault('Node.DownloadNotFound')
  reply.hijack()
  const { raw } = reply
  raw.setHeader('ETag', etag)
  raw.setHeader('Accept-Ranges', 'bytes')
  raw.setHeader('Content-Type', 'application/octet-stream')
  if (range === 'unsatisfiable') {
    raw.writeHead(416, { 'Content-Range': `bytes */${file.sizeBytes}`, 'Content-Length': 0 }).end()
    return
  }
  const { start, end } = range ?? { start: 0, end: file.sizeBytes - 1 }
  if (range) raw.setHeader('Content-Range', `bytes ${start}-${end}/${file.sizeBytes}`)
  raw.writeHead(range ? 206 : 200, { 'Content-Length': end - start + 1 })
  if (content === undefined) raw.end()
  else await pipeline(content, raw)
}

/** The one range asked for; undefined for the whole, also for forms nobody sends (several ranges, other units). */
export function parseRange(header: string | undefined, sizeBytes: number): { start: number; end: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '')
  if (!match || (match[1] === '' && match[2] === '')) return undefined
  const last = sizeBytes - 1
  const start = match[1] === '' ? Math.max(0, sizeBytes - Number(match[2])) : Number(match[1])
  const end = match[1] === '' || match[2] === '' ? last : Math.min(Number(match[2]), last)
  return start > last || start > end ? 'unsatisfiable' : { start, end }
}
