// Errors of the object store, in the XML that its clients can read: any other body becomes a parse error there
// (contract: pop-gateway §18).

const statuses = {
  SignatureDoesNotMatch: 403,
  AccessDenied: 403,
  InvalidAccessKeyId: 403,
  RequestTimeTooSkewed: 403,
  InvalidArgument: 400,
  InvalidDigest: 400,
  IncompleteBody: 400,
  EntityTooLarge: 400,
  EntityTooSmall: 400,
  FieldItemTooLong: 400,
  InvalidPolicyDocument: 400,
  MalformedPOSTRequest: 400,
  InvalidRange: 416,
  NoSuchKey: 404,
  NoSuchBucket: 404,
  MethodNotAllowed: 405,
  InternalError: 500,
  ServiceUnavailable: 503,
} as const

export class OssError extends Error {
  override readonly name = 'OssError'
  readonly code: keyof typeof statuses
  readonly status: number

  constructor(code: keyof typeof statuses, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
    this.status = statuses[code]
  }
}

export function toErrorXml(error: OssError, requestId: string, host: string): string {
  return toXml('Error', { Code: error.code, Message: error.message, RequestId: requestId, HostId: host, EC: '0' })
}

/** A document of one level. */
export function toXml(root: string, fields: Readonly<Record<string, string>>): string {
  const elements = Object.entries(fields).map(([name, value]) => `  <${name}>${escapeXml(value)}</${name}>\n`)
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}>\n${elements.join('')}</${root}>\n`
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
