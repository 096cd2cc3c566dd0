// Call rates: one token bucket per account and operation, as large as a second's calls. Memory only: a restart forgives.
import { Fault } from '@littoral/contract/errors'
import type { AnyOperation } from '@littoral/contract/operation'

export interface Throttle {
  /** Takes one call; throws Throttling.User with RetryAfterMs when the account calls this operation too fast. */
  take(accountId: string, operation: AnyOperation): void
}

interface Bucket {
  tokens: number
  filledAtMs: number
}

const maxBuckets = 10_000

export function createThrottle(isThrottled: boolean, now: () => number): Throttle {
  const buckets = new Map<string, Bucket>()
  return {
    take(accountId, operation) {
      const rate = operation.callsPerSecond
      if (!isThrottled || rate === undefined) return
      const key = `${accountId}/${operation.action}`
      const bucket = buckets.get(key) ?? { tokens: rate, filledAtMs: now() }
      refill(bucket, rate, now())
      if (bucket.tokens < 1) {
        const retryAfterMs = Math.max(1, Math.ceil(((1 - bucket.tokens) / rate) * 1000))
        throw new Fault('Throttling.User', { RetryAfterMs: String(retryAfterMs) })
      }
      bucket.tokens -= 1
      if (buckets.size >= maxBuckets && !buckets.has(key)) buckets.clear()
      buckets.set(key, bucket)
    },
  }
}

function refill(bucket: Bucket, rate: number, nowMs: number): void {
  // A clock that is set back must not take calls away.
  const passedMs = Math.max(0, nowMs - bucket.filledAtMs)
  bucket.tokens = Math.min(rate, bucket.tokens + (passedMs / 1000) * rate)
  bucket.filledAtMs = nowMs
}
