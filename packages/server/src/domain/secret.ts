// How the secrets that nodes show are kept: only as a hash. They are long and random, so one round of hashing is enough.
import { createHash } from 'node:crypto'

/** What is stored of a join token or a node's secret. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}
