// Addresses of the object store in parameters: only our own are accepted, so that nothing is ever fetched from elsewhere.
import { type ConfigBlock, maxFileBytes } from '../../domain/driver-config.ts'
import { invalidParam } from '../../domain/invalid-param.ts'
import * as objects from '../../store/iot-edge/objects.ts'
import type { ReadTx } from '../../store/store.ts'
import type { Context } from '../context.ts'

/** The key of an address that this server handed out to this account; throws iot.common.InvalidParam. */
export async function ownKey(tx: ReadTx, ctx: Context, field: string, address: string): Promise<string> {
  const key = ctx.objects.keyOf(address)
  const refusal = invalidParam(field, 'must be an OssAddress that CreateEdgeOssPreSignedAddress answered.')
  if (key === undefined) throw refusal
  const object = await objects.find(tx, key)
  // The server is reached by several names; an address is good under the one it was handed out with and under this one.
  const isOurs = object?.accountId === ctx.principal.accountId && [object.origin, ctx.origin].includes(new URL(address).origin)
  if (!isOurs) throw refusal
  return key
}

/** A FILE block with the file it names, once that was uploaded; other blocks as they are. Throws iot.common.InvalidParam. */
export async function withFile<B extends ConfigBlock>(tx: ReadTx, ctx: Context, field: string, block: B): Promise<B> {
  if (block.format !== 'FILE') return block
  const key = await ownKey(tx, ctx, field, block.content)
  const content = (await objects.find(tx, key))?.content
  if (content === undefined) return block
  if (content.sizeBytes > maxFileBytes) throw invalidParam(field, `names a file of more than ${maxFileBytes} bytes.`)
  const name = key.slice(key.lastIndexOf('/') + 1)
  return { ...block, file: { name, sha256: content.sha256, sizeBytes: content.sizeBytes } }
}

/** Like withFile(), but the file has to be there. */
export async function withUploadedFile<B extends ConfigBlock>(tx: ReadTx, ctx: Context, field: string, block: B): Promise<B> {
  const filled = await withFile(tx, ctx, field, block)
  if (filled.format === 'FILE' && filled.file === undefined) throw invalidParam(field, 'names a file that was not uploaded.')
  return filled
}
