// May they: the rights of a principal for an operation. The owner of the account may do everything; whoever else comes
// with identity is denied until a policy allows it. Called by rpc.ts before any parameter is looked at.
import { Fault } from '@littoral/contract/errors'
import type { Principal } from '../operations/context.ts'
import type { ServedOperation } from './registry.ts'

/** Throws NoPermission, whose parameters become the answer's AccessDeniedDetail. */
export function authorize(principal: Principal, { family, operation }: Pick<ServedOperation, 'family' | 'operation'>): void {
  if (principal.kind === 'root') return
  const { accountId, kind } = principal as { accountId: string; kind: string }
  throw new Fault('NoPermission', {
    Action: `${family.product}:${operation.action}`,
    Resource: `acs:${family.product}:*:${accountId}:*`,
    PrincipalType: kind,
    OwnerId: accountId,
  })
}
