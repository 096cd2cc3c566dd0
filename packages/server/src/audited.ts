// The store as one caller sees it: every write it makes carries an audit row in the same transaction. Used by server.ts.
import type { Principal, Services } from './operations/context.ts'
import { auditRow } from './store/audit.ts'
import type { Store } from './store/store.ts'

export interface AuditedCall {
  readonly requestId: string
  readonly action: string
}

export function auditedStore(
  { store, now }: Pick<Services, 'store' | 'now'>,
  principal: Principal,
  { requestId, action }: AuditedCall,
): Store {
  let writes = 0
  return {
    read: (fn) => store.read(fn),
    changes: (topic, listener) => store.changes(topic, listener),
    ride: (source) => store.ride(source),
    close: () => store.close(),
    write(fn) {
      writes++
      const id = writes === 1 ? requestId : `${requestId}/${writes}`
      return store.write(async (tx) => {
        const value = await fn(tx)
        const { accountId, accessKeyId: actor } = principal
        auditRow(tx, { id, accountId, actor, action, atMs: now(), outcome: 'ok', detail: {} })
        return value
      })
    },
  }
}
