// What uses objects: driver versions, configurations of drivers and channels, devices whose configuration came as a file, what
// nodes are assigned, and the newest deployment of each instance, the only one that can be under way. Read page by page, because
// all of it together can be large. Used by loops/leftovers.ts.
import type { Compilable } from 'kysely'
import type { ConfigBlock } from '../../domain/driver-config.ts'
import type { VersionContent } from '../../domain/driver-version.ts'
import { db } from '../db.ts'
import type { Store } from '../store.ts'

export interface ObjectUses {
  /** Keys that something names. */
  readonly keys: Set<string>
  /** SHA-256 of bytes that something will ask for. */
  readonly digests: Set<string>
}

/** One row of a source: where it stands, and the text in which the uses are. */
interface Place {
  readonly first: string
  readonly second: string
}
interface SourceRow extends Place {
  readonly text: string | null
  /** SHA-256 of bytes that the row names beside its text. */
  readonly digest?: string | null
}
interface Source {
  readonly page: (after: Place, limit: number) => Compilable<SourceRow>
  /** Names of objects in the text; absent where it holds digests only. */
  readonly names?: (text: string) => readonly string[]
}

const blocksOf = (text: string) => (JSON.parse(text) as ConfigBlock[]).flatMap(filesOf)
const filesOf = ({ format, content }: ConfigBlock) => (format === 'FILE' ? [content] : [])

const sources: readonly Source[] = [
  {
    page: ({ first, second }, limit) =>
      db
        .selectFrom('driver_versions')
        .select(['driver_id as first', 'version as second', 'content as text', 'package_sha256 as digest'])
        .where((e) => e(e.refTuple('driver_id', 'version'), '>', e.tuple(first, second)))
        .orderBy('driver_id')
        .orderBy('version')
        .limit(limit),
    names(text) {
      const { source, configs } = JSON.parse(text) as VersionContent
      return [...(source === undefined ? [] : [source.key]), ...configs.flatMap(filesOf)]
    },
  },
  {
    page: ({ first, second }, limit) =>
      db
        .selectFrom('instance_drivers')
        .select(['instance_id as first', 'driver_id as second', 'configs as text'])
        .where((e) => e(e.refTuple('instance_id', 'driver_id'), '>', e.tuple(first, second)))
        .orderBy('instance_id')
        .orderBy('driver_id')
        .limit(limit),
    names: blocksOf,
  },
  {
    page: ({ first }, limit) =>
      db
        .selectFrom('instance_channels')
        .select(['id as first', 'driver_id as second', 'configs as text'])
        .where('id', '>', first)
        .orderBy('id')
        .limit(limit),
    names: blocksOf,
  },
  {
    page: ({ first }, limit) =>
      db
        .selectFrom('instance_devices')
        .select(['iot_id as first', 'instance_id as second', 'config_address as text'])
        .where('iot_id', '>', first)
        .where('config_address', 'is not', null)
        .orderBy('iot_id')
        .limit(limit),
    names: (text) => [text],
  },
  {
    page: ({ first }, limit) =>
      db
        .selectFrom('deployment_snapshots')
        // An older job is history: nothing of it is ever told to a gateway again.
        .innerJoin('edge_instances', 'edge_instances.latest_deployment_id', 'deployment_snapshots.deployment_id')
        .select([
          'deployment_snapshots.id as first',
          'deployment_snapshots.deployment_id as second',
          'deployment_snapshots.workload as text',
        ])
        .where('deployment_snapshots.id', '>', first)
        .where('deployment_snapshots.workload', 'is not', null)
        .orderBy('deployment_snapshots.id')
        .limit(limit),
  },
  // Last, because what leaves a deployment arrives here.
  {
    page: ({ first, second }, limit) =>
      db
        .selectFrom('assignments')
        .select(['node_id as first', 'key as second', 'workload as text'])
        .where((e) => e(e.refTuple('node_id', 'key'), '>', e.tuple(first, second)))
        .where('key', 'like', 'driver/%')
        .orderBy('node_id')
        .orderBy('key')
        .limit(limit),
  },
]

const pageSize = 200
const digests = /(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g

/** Everything that is used now. `keyOf` makes a key of an address, and knows a key when it sees one. */
export async function list(store: Store, keyOf: (name: string) => string | undefined, signal: AbortSignal): Promise<ObjectUses> {
  const uses: ObjectUses = { keys: new Set(), digests: new Set() }
  for (const source of sources) {
    let after: Place | undefined = { first: '', second: '' }
    while (after !== undefined) {
      signal.throwIfAborted()
      const query: Compilable<SourceRow> = source.page(after, pageSize)
      const rows: SourceRow[] = await store.read((tx) => tx.all(query))
      for (const { text, digest } of rows) {
        if (text !== null) note(text, source, uses, keyOf)
        if (digest) uses.digests.add(digest)
      }
      after = rows.length < pageSize ? undefined : rows.at(-1)
    }
  }
  return uses
}

/** A text that looks like a digest and is none does no harm: something is kept. */
function note(text: string, { names }: Source, uses: ObjectUses, keyOf: (name: string) => string | undefined): void {
  for (const [sha256] of text.matchAll(digests)) uses.digests.add(sha256)
  for (const name of names?.(text) ?? []) uses.keys.add(keyOf(name) ?? name)
}
