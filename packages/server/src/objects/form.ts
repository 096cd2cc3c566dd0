// A form as browsers post it (multipart/form-data), read as it comes: its fields, which are small, and then the content of the
// part named `file`, which is not. Fields after the file are not read: what decides about an upload has to come before it.
// Used by post-object.ts.
import { OssError } from './oss-error.ts'

export interface Form {
  /** By name in lower case. */
  readonly fields: ReadonlyMap<string, string>
  /** As the client calls the file; empty where it calls it nothing. */
  readonly fileName: string
  /** Throws OssError IncompleteBody when the form ends before the file does. */
  readonly content: AsyncIterable<Buffer>
  /** Lets go of the request, wherever reading has stopped. */
  close(): Promise<void>
}

const maxFields = 64
const maxFieldBytes = 64 * 1024
const maxHeadBytes = 8 * 1024
const crlf = Buffer.from('\r\n')

/** Reads up to the beginning of the file. Throws OssError MalformedPOSTRequest or FieldItemTooLong. */
export async function readForm(body: AsyncIterable<Buffer>, contentType: string | undefined): Promise<Form> {
  const [, quoted, plain] =
    /^multipart\/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))\s*(?:;|$)/i.exec(contentType ?? '') ?? []
  const boundary = quoted ?? plain
  if (boundary === undefined) throw malformed('The request must be multipart/form-data with a boundary.')
  const mark = Buffer.from(`--${boundary}`)
  const scan = scanner(body)
  try {
    const fields = new Map<string, string>()
    await scan.until(mark, maxHeadBytes, 'The text before the first field')
    for (;;) {
      const head = (await scan.until(Buffer.from('\r\n\r\n'), maxHeadBytes, 'The head of a field')).toString('utf8')
      if (head.startsWith('--')) throw malformed('The form has no part named file.')
      const { name, fileName } = parseHead(head)
      if (name === 'file') return { fields, fileName, content: contentOf(scan, mark), close: () => scan.close() }
      const value = withoutEnd(await scan.until(mark, maxFieldBytes, `The field ${name}`))
      fields.set(name, value.toString('utf8'))
      if (fields.size > maxFields) throw malformed(`The form has more than ${maxFields} fields.`)
    }
  } catch (error) {
    await scan.close()
    throw error
  }
}

/** Some clients write no line end between the content and the boundary (contract: pop-gateway §18). */
async function* contentOf(scan: Scanner, mark: Buffer): AsyncGenerator<Buffer> {
  for (let searched = 0; ;) {
    const at = scan.held.indexOf(mark, searched)
    const after = at + mark.length
    if (at >= 0 && scan.held.length >= after + 2) {
      if (['\r\n', '--'].includes(scan.held.toString('latin1', after, after + 2))) {
        yield withoutEnd(scan.take(at))
        return
      }
      searched = at + 1
      continue
    }
    // What may be the boundary's beginning, with the line end before it, waits for the next piece.
    const sure = (at >= 0 ? at : scan.held.length - mark.length) - crlf.length
    if (sure > 0) yield scan.take(sure)
    searched = 0
    if (!(await scan.more())) throw new OssError('IncompleteBody', 'The form ends before the file does.')
  }
}

function withoutEnd(content: Buffer): Buffer {
  return content.subarray(-2).equals(crlf) ? content.subarray(0, -2) : content
}

interface Scanner {
  /** Received and not taken yet. */
  readonly held: Buffer
  take(count: number): Buffer
  /** Takes everything before the mark, and drops the mark. */
  until(mark: Buffer, maxBytes: number, what: string): Promise<Buffer>
  more(): Promise<boolean>
  close(): Promise<void>
}

function scanner(body: AsyncIterable<Buffer>): Scanner {
  const source = body[Symbol.asyncIterator]()
  let held: Buffer = Buffer.alloc(0)
  const take = (count: number) => {
    const taken = held.subarray(0, count)
    held = held.subarray(count)
    return taken
  }
  const more = async () => {
    const next = await source.next()
    if (next.done === true) return false
    held = held.length === 0 ? next.value : Buffer.concat([held, next.value])
    return true
  }
  return {
    get held() {
      return held
    },
    take,
    more,
    async until(mark, maxBytes, what) {
      for (;;) {
        const at = held.indexOf(mark)
        if (at > maxBytes || (at < 0 && held.length > maxBytes + mark.length))
          throw new OssError('FieldItemTooLong', `${what} is too long.`)
        if (at >= 0) {
          const taken = take(at)
          take(mark.length)
          return taken
        }
        if (!(await more())) throw malformed('The form ends before it is complete.')
      }
    },
    async close() {
      await source.return?.()
    },
  }
}

function parseHead(head: string): { name: string; fileName: string } {
  const disposition = /(?:^|\r\n)content-disposition:\s*form-data\s*(;[^\r\n]*)/i.exec(head)?.[1] ?? ''
  const parameter = (name: string) => {
    const [, quoted, plain] = new RegExp(`;\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;"]+))`, 'i').exec(disposition) ?? []
    // Browsers escape nothing but the quote; a backslash is a part of the name.
    return quoted?.replaceAll('\\"', '"').replaceAll('%22', '"') ?? plain
  }
  const name = parameter('name')?.toLowerCase()
  if (name === undefined || name === '') throw malformed('A part of the form has no name.')
  return { name, fileName: parameter('filename') ?? '' }
}

function malformed(message: string): OssError {
  return new OssError('MalformedPOSTRequest', message)
}
