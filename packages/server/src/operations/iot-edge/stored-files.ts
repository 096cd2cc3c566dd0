// Addresses of the object store in parameters: only our own are accepted, so that nothing is ever fetched from elsewhere.
import {
  checkBlocks,
  checkContent,
  checkDeviceConfig,
  type ConfigBlock,
  maxFileBytes,
  maxJsonBytes,
  type StoredBlock,
} from '../../domain/driver-config.ts'
import { invalidParam } from '../../domain/invalid-param.ts'
import { present } from '../../domain/present.ts'
import { fileNameOf } from '../../domain/upload.ts'
import * as objects from '../../store/iot-edge/objects.ts'
import * as leftovers from '../../store/iot-edge/leftovers.ts'
import type { ReadTx, WriteTx } from '../../store/store.ts'
import type { InstanceDevice } from '../../store/iot-edge/instance-devices.ts'
import type { Context } from '../context.ts'

/** The key of an address that this server handed out to this account; throws iot.common.InvalidParam. */
export async function ownKey(tx: ReadTx, ctx: Context, field: string, address: string): Promise<string> {
  const key = ctx.objects.keyOf(address)
  const refusal = invalidParam(field, 'must be an OssAddress that CreateEdgeOssPreSignedAddress answered.')
  if (key === undefined) throw refusal
  const object = await objects.find(tx, key)
  // The server is reached by several names; an address is good under the one it was handed out with and under this one.
  const isOurs = object?.accountId === ctx.principal.accountId && [object.origin, ctx.origin].map(originOf).includes(originOf(address))
  if (!isOurs) throw refusal
  return key
}

/** Host names without regard to case, and without the port that goes without saying: clients write both either way. */
function originOf(address: string | undefined): string | undefined {
  return address !== undefined && URL.canParse(address) ? new URL(address).origin : undefined
}

/** A FILE block with the file it names, once that was uploaded; other blocks as they are. Throws iot.common.InvalidParam. */
export async function withFile<B extends ConfigBlock>(tx: ReadTx, ctx: Context, field: string, block: B): Promise<B> {
  if (block.format !== 'FILE') return block
  const key = await ownKey(tx, ctx, field, block.content)
  const content = (await objects.find(tx, key))?.content
  if (content === undefined) return block
  if (content.sizeBytes > maxFileBytes) throw invalidParam(field, `names a file of more than ${maxFileBytes} bytes.`)
  return { ...block, file: { name: fileNameOf(key), sha256: content.sha256, sizeBytes: content.sizeBytes } }
}

/** Like withFile(), but the file has to be there. */
export async function withUploadedFile<B extends ConfigBlock>(tx: ReadTx, ctx: Context, field: string, block: B): Promise<B> {
  const filled = await withFile(tx, ctx, field, block)
  if (filled.format === 'FILE' && filled.file === undefined) throw invalidParam(field, 'names a file that was not uploaded.')
  return filled
}

/**
 * Notes that objects are used from now on, so that they are not removed as unused: by whoever writes their names down, in the same
 * write, after its last read.
 */
export function noteUse(tx: WriteTx, ctx: Context, used: { blocks?: readonly ConfigBlock[]; names?: readonly string[] }): void {
  const files = (used.blocks ?? []).flatMap(({ format, content }) => (format === 'FILE' ? [content] : []))
  const keys = [...files, ...(used.names ?? [])].map((name) => ctx.objects.keyOf(name) ?? name)
  leftovers.remove(tx, 'key', keys)
}

/** The Configs parameter, as far as it can be checked without the store; throws iot.common.InvalidParam. */
export function parseConfigs(configs: readonly { Format: ConfigBlock['format']; Content: string; Key?: string }[]): ConfigBlock[] {
  return configs.map(({ Format, Content, Key }, place) => {
    const block = { format: Format, content: Content, ...present({ key: Key || undefined }) }
    checkContent(`Configs.${place + 1}.Content`, block)
    return block
  })
}

/** The same blocks with ids of their own and the files they name; throws iot.common.InvalidParam. */
export async function storedBlocks(tx: ReadTx, ctx: Context, blocks: readonly ConfigBlock[]): Promise<StoredBlock[]> {
  const stored: StoredBlock[] = []
  for (const [place, block] of blocks.entries()) {
    stored.push({ id: ctx.ids.hex(32), ...(await withUploadedFile(tx, ctx, `Configs.${place + 1}.Content`, block)) })
  }
  checkBlocks('Configs', stored)
  return stored
}

/** A device's configuration: JSON, or the JSON in the file that an address names. Throws iot.common.InvalidParam. */
export async function deviceConfig(
  tx: ReadTx,
  ctx: Context,
  field: string,
  content: string,
): Promise<NonNullable<InstanceDevice['config']>> {
  if (!/^https?:\/\//i.test(content)) {
    checkDeviceConfig(field, content)
    return { text: content }
  }
  const key = await ownKey(tx, ctx, field, content)
  const sizeBytes = (await objects.find(tx, key))?.content?.sizeBytes
  if (sizeBytes === undefined) throw invalidParam(field, 'names a file that was not uploaded.')
  if (sizeBytes > maxJsonBytes) throw invalidParam(field, `names a file of more than ${maxJsonBytes} bytes.`)
  const text = (await ctx.objects.text(key)) ?? ''
  checkDeviceConfig(field, text)
  return { text, address: content }
}
