// What workloads used, as their nodes said it: a ring of one day, kept short by the reaper.
import type { WorkloadSample } from '@littoral/contract/node/sample'
import { db } from './db.ts'
import { prepared } from './prepared.ts'
import type { ReadTx, WriteTx } from './store.ts'
import type { SampleRow } from './tables/streams.ts'

export interface NodeSample extends WorkloadSample {
  readonly nodeId: string
}

const insertRow = prepared((row: Omit<SampleRow, 'account_id'>) => {
  const { key, at_ms, node_id, is_ready, cpu_micros, cpu_limit_micros, memory_bytes, memory_limit_bytes } = row
  const { read_bytes_per_second, written_bytes_per_second } = row
  return db
    .insertInto('samples')
    .columns([
      ...(['account_id', 'key', 'at_ms', 'node_id', 'is_ready', 'cpu_micros', 'cpu_limit_micros', 'memory_bytes'] as const),
      ...(['memory_limit_bytes', 'read_bytes_per_second', 'written_bytes_per_second'] as const),
    ])
    .expression(
      db
        .selectFrom('nodes')
        .where('id', '=', node_id)
        .select((e) => [
          'account_id',
          e.val(key).as('key'),
          e.val(at_ms).as('at_ms'),
          'id as node_id',
          e.val(is_ready).as('is_ready'),
          e.val(cpu_micros).as('cpu_micros'),
          e.val(cpu_limit_micros).as('cpu_limit_micros'),
          e.val(memory_bytes).as('memory_bytes'),
          e.val(memory_limit_bytes).as('memory_limit_bytes'),
          e.val(read_bytes_per_second).as('read_bytes_per_second'),
          e.val(written_bytes_per_second).as('written_bytes_per_second'),
        ]),
    )
    .onConflict((conflict) => conflict.doNothing())
})

/** Stores a sample. A node that is gone is not heard any more. */
export function insert(tx: WriteTx, sample: NodeSample): void {
  tx.run(
    insertRow({
      key: sample.key,
      at_ms: sample.atMs,
      node_id: sample.nodeId,
      is_ready: sample.isReady ? 1 : 0,
      cpu_micros: sample.cpuMicros,
      cpu_limit_micros: sample.cpuLimitMicros ?? null,
      memory_bytes: sample.memoryBytes,
      memory_limit_bytes: sample.memoryLimitBytes ?? null,
      read_bytes_per_second: sample.readBytesPerSecond,
      written_bytes_per_second: sample.writtenBytesPerSecond,
    }),
  )
}

interface Sampled {
  readonly accountId: string
  readonly keys: readonly string[]
  readonly fromMs: number
}

function samplesOf({ accountId, keys, fromMs }: Sampled) {
  return db
    .selectFrom('samples')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('key', 'in', [...keys])
    .where('at_ms', '>=', fromMs)
}

export interface SampleWindow extends Sampled {
  readonly untilMs: number
  readonly limit: number
}

/** The newest samples of the window, oldest first. */
export async function list(tx: ReadTx, { untilMs, limit, ...sampled }: SampleWindow): Promise<NodeSample[]> {
  const query = samplesOf(sampled).where('at_ms', '<', untilMs).orderBy('at_ms', 'desc').limit(limit)
  return (await tx.all(query)).toReversed().map(toSample)
}

export interface NewestOf extends Sampled {
  readonly nodeId: string
}

/** What one node said last of each of these workloads, by key. */
export async function listNewest(tx: ReadTx, { nodeId, ...sampled }: NewestOf): Promise<Map<string, NodeSample>> {
  if (sampled.keys.length === 0) return new Map()
  const query = samplesOf(sampled).where('node_id', '=', nodeId).orderBy('at_ms', 'asc')
  return new Map((await tx.all(query)).map((row) => [row.key, toSample(row)]))
}

export async function count(tx: ReadTx): Promise<number> {
  return Number((await tx.first(db.selectFrom('samples').select((e) => e.fn.countAll<number>().as('total'))))?.total ?? 0)
}

export function removeBefore(tx: WriteTx, beforeMs: number): void {
  tx.run(db.deleteFrom('samples').where('at_ms', '<', beforeMs))
}

function toSample(row: SampleRow): NodeSample {
  return {
    nodeId: row.node_id,
    key: row.key,
    atMs: row.at_ms,
    isReady: row.is_ready === 1,
    cpuMicros: row.cpu_micros,
    ...(row.cpu_limit_micros === null ? {} : { cpuLimitMicros: row.cpu_limit_micros }),
    memoryBytes: row.memory_bytes,
    ...(row.memory_limit_bytes === null ? {} : { memoryLimitBytes: row.memory_limit_bytes }),
    readBytesPerSecond: row.read_bytes_per_second,
    writtenBytesPerSecond: row.written_bytes_per_second,
  }
}
