// Driver configuration: blocks of three formats, their limits, and the text that the driver is handed in the end
// (contract: iot-edge §8, §9).
import type { ConfigFormat, DriverConfigBlock } from '@littoral/contract/iot-edge/version-json'
import { invalidParam, parseJsonText } from './invalid-param.ts'
import { byteLength } from './text.ts'

/** A file of the object store that a configuration names. */
export interface ConfigFile {
  readonly name: string
  readonly sha256: string
  readonly sizeBytes: number
}

export interface ConfigBlock {
  readonly format: ConfigFormat
  readonly content: string
  /** Tells blocks of one call apart. */
  readonly key?: string
  /** What a FILE block names; set once the file was seen in the object store. */
  readonly file?: ConfigFile
}

/** A block that is kept has an id of its own, new with every call that sets it. */
export interface StoredBlock extends ConfigBlock {
  readonly id: string
}

export interface ConfiguredDevice {
  readonly productKey: string
  readonly deviceName: string
  /** JSON text. */
  readonly config?: string
  readonly channelId?: string
}

export interface ConfiguredChannel {
  readonly id: string
  readonly name: string
  readonly configs: readonly ConfigBlock[]
}

export const maxPairs = 100
export const maxJsonBytes = 1024
export const maxFileBytes = 1024 * 1024

/** The blocks of a DriverConfig parameter, which may be one block or a list of them; throws iot.common.InvalidParam. */
export function parseDriverConfig(text: string): DriverConfigBlock[] {
  const value = parseJsonText('DriverConfig', text)
  const blocks = Array.isArray(value) ? value : [value]
  return blocks.map((block: DriverConfigBlock, place) => {
    checkContent(`DriverConfig[${place}].content`, block)
    return { content: block.content, format: block.format }
  })
}

/** Throws iot.common.InvalidParam when the content breaks the rule of its format; a file is looked at elsewhere. */
export function checkContent(field: string, { format, content }: Pick<ConfigBlock, 'format' | 'content'>): void {
  if (format === 'KV') parsePairs(field, content)
  if (format !== 'JSON') return
  parseJsonText(field, content)
  if (byteLength(content) > maxJsonBytes) throw invalidParam(field, `is longer than ${maxJsonBytes} bytes.`)
}

/** Throws iot.common.InvalidParam when two blocks have one key, or two files would land under one name. */
export function checkBlocks(field: string, blocks: readonly ConfigBlock[]): void {
  const keys = blocks.flatMap(({ key }) => (key === undefined ? [] : [key]))
  if (new Set(keys).size < keys.length) throw invalidParam(field, 'has two blocks with the same Key.')
  const names = blocks.flatMap(({ file }) => (file === undefined ? [] : [file.name]))
  if (new Set(names).size < names.length) throw invalidParam(field, 'has two files of the same name.')
}

interface Pair {
  readonly key: string
  readonly value: unknown
  readonly note?: string
}

// The layout of KV text is documented nowhere: a list of pairs and an object holding it as `kv` are both accepted.
function parsePairs(field: string, content: string): Pair[] {
  const value = parseJsonText(field, content)
  const pairs: unknown = Array.isArray(value) ? value : (value as { kv?: unknown } | null)?.kv
  if (!Array.isArray(pairs)) throw invalidParam(field, 'must be a JSON list of pairs, or {"kv": [pairs]}.')
  if (pairs.length > maxPairs) throw invalidParam(field, `has more than ${maxPairs} pairs.`)
  if (!pairs.every(isPair)) throw invalidParam(field, 'must hold pairs like {"key": "ip", "value": "127.0.0.1", "note": "address"}.')
  return pairs
}

function isPair(value: unknown): value is Pair {
  if (typeof value !== 'object' || value === null) return false
  const { key, value: content, note } = value as Partial<Pair>
  const isScalar = ['string', 'number', 'boolean'].includes(typeof content)
  return typeof key === 'string' && key !== '' && isScalar && (note === undefined || typeof note === 'string')
}

/** The configuration of a device, which has to be JSON; throws iot.common.InvalidParam. */
export function checkDeviceConfig(field: string, text: string): void {
  checkContent(field, { format: 'JSON', content: text })
}

/**
 * The text a driver is handed. `config` holds only the formats in use. Several JSON blocks become one object, later keys
 * over earlier ones, because a driver reads one `config.json`. `custom` is JSON text inside a string: the drivers' own
 * libraries drop or lose anything else. Channels are our own addition, since nothing says how the vendor hands them over
 * (contract: iot-edge §12.11).
 */
export function toDriverConfigText(
  blocks: readonly ConfigBlock[],
  devices: readonly ConfiguredDevice[],
  channels: readonly ConfiguredChannel[] = [],
): string {
  const channelList = channels.map(({ id, name, configs }) => ({
    channelId: id,
    channelName: name,
    config: toConfig(channelFiles(id, configs)),
  }))
  const deviceList = devices.map(({ productKey, deviceName, config: custom, channelId }) => ({
    productKey,
    deviceName,
    ...(custom === undefined ? {} : { custom }),
    ...(channelId === undefined ? {} : { channelId }),
  }))
  const config = { ...toConfig(blocks), ...(channelList.length === 0 ? {} : { channelList }) }
  return JSON.stringify({ config, deviceList })
}

/** A channel's blocks with its files under names that no other channel of the driver has. */
export function channelFiles(channelId: string, blocks: readonly ConfigBlock[]): ConfigBlock[] {
  return blocks.map((block) =>
    block.file === undefined ? block : { ...block, file: { ...block.file, name: `${channelId}-${block.file.name}` } },
  )
}

function toConfig(blocks: readonly ConfigBlock[]) {
  const config: { json?: unknown; kv?: Pair[]; fileList?: { path: string }[] } = {}
  for (const block of blocks) {
    if (block.format === 'JSON') config.json = mergedJson(config.json, JSON.parse(block.content))
    if (block.format === 'KV') config.kv = [...(config.kv ?? []), ...parsePairs('KV', block.content)]
    if (block.file !== undefined) config.fileList = [...(config.fileList ?? []), { path: block.file.name }]
  }
  return config
}

function mergedJson(before: unknown, after: unknown): unknown {
  return isRecord(before) && isRecord(after) ? { ...before, ...after } : after
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
