// POST of a form with a signed policy, as browsers and some SDKs upload (contract: pop-gateway §18). Called by routes.ts.
import type { IncomingMessage } from 'node:http'
import { bucket, isKey } from './address.ts'
import type { AuthorizationServices } from './authorization.ts'
import { type Form, readForm } from './form.ts'
import type { ObjectStore } from './object-store.ts'
import { OssError, toXml } from './oss-error.ts'
import { authorizeForm } from './post-policy.ts'

export interface PostServices extends AuthorizationServices {
  readonly objects: Pick<ObjectStore, 'put'>
  /** The largest object of this key. */
  readonly maxBytes: (key: string) => number
}

export interface Posted {
  readonly key: string
  /** Base64. */
  readonly md5: string
  /** What the form asked for: 200, 201 with a body, or 204. */
  readonly status: 200 | 201 | 204
}

/** Stores the file of a form; throws OssError, and keeps nothing then. */
export async function postObject(raw: IncomingMessage, services: PostServices): Promise<Posted> {
  // The stream stays alive on the way out: the rest of a refused request still has to be read.
  const form = await readForm(raw.iterator({ destroyOnReturn: false }), raw.headers['content-type'])
  try {
    return await storeForm(form, services)
  } finally {
    await form.close()
  }
}

async function storeForm({ fields, fileName, content }: Form, { objects, maxBytes, ...services }: PostServices): Promise<Posted> {
  const key = (fields.get('key') ?? '').replaceAll('${filename}', () => plainName(fileName))
  if (!isKey(key)) throw new OssError('InvalidArgument', 'The field key must name the object.')
  const allowed = await authorizeForm(new Map([...fields, ['key', key], ['bucket', bucket]]), services)
  const contentMd5 = fields.get('content-md5')
  const { md5 } = await objects.put({
    key,
    accountId: allowed.accountId,
    content,
    minBytes: allowed.minBytes,
    maxBytes: Math.min(allowed.maxBytes, maxBytes(key)),
    ...(contentMd5 === undefined ? {} : { contentMd5 }),
  })
  const asked = Number(fields.get('success_action_status'))
  return { key, md5, status: asked === 200 || asked === 201 ? asked : 204 }
}

/** Some browsers send the whole path. */
function plainName(fileName: string): string {
  return fileName.slice(Math.max(fileName.lastIndexOf('/'), fileName.lastIndexOf('\\')) + 1)
}

/** The body of a 201. */
export function toPostXml({ key }: Posted, etag: string, location: string): string {
  return toXml('PostResponse', { Bucket: bucket, ETag: etag, Key: key, Location: location })
}
