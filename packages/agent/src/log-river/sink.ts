// What a sink is to the sender. open-sink.ts opens one by its address.
import type { SinkHeaders } from '@littoral/contract/node/log-sink'
import type { Batch, RiverNode } from './records.ts'

export type Delivery =
  /** Everything was taken, apart from `refused` records that will never be. */
  | { readonly kind: 'taken'; readonly refused: number; readonly reason?: string }
  /** The batch is too large for the sink; a smaller one may pass. */
  | { readonly kind: 'tooLarge'; readonly reason: string }
  /** Nothing was taken; the same batch is to be sent again, not before `afterMs`. */
  | { readonly kind: 'later'; readonly reason: string; readonly afterMs?: number }

export interface Sink {
  /** Never throws, apart from an abort. */
  deliver(batch: Batch, signal: AbortSignal): Promise<Delivery>
}

export interface SinkOptions {
  readonly node: RiverNode
  readonly headers: SinkHeaders
}
