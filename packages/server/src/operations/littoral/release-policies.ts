// Handlers of the operations on release policies.
import type { operations } from '@littoral/contract/littoral/index'
import type { Handlers } from '@littoral/contract/operation'
import { parseAmount } from '../../domain/release-policy.ts'
import * as apps from '../../store/edge-container/apps.ts'
import * as policies from '../../store/edge-container/release-policies.ts'
import type { Context } from '../context.ts'
import { toPolicyView } from './release-views.ts'

export const policyHandlers: Handlers<Pick<typeof operations, 'SetReleasePolicy' | 'GetReleasePolicy'>, Context> = {
  async SetReleasePolicy({ AppId, ...input }, { store, principal, now }) {
    const ref = { accountId: principal.accountId, appId: AppId }
    const updated = { atMs: now(), by: principal.accessKeyId }
    const policy = await store.write(async (tx) => {
      await apps.peek(tx, ref)
      const before = await policies.find(tx, AppId)
      const next = {
        maxUnavailable: input.MaxUnavailable === undefined ? before.maxUnavailable : parseAmount(input.MaxUnavailable),
        failureBudget: input.FailureBudget === undefined ? before.failureBudget : parseAmount(input.FailureBudget),
        canaryNodes: input.CanaryNodes ?? before.canaryNodes,
        bakeSeconds: input.BakeSeconds ?? before.bakeSeconds,
        deadlineSeconds: input.DeadlineSeconds ?? before.deadlineSeconds,
        isAutoRollback: input.AutoRollback ?? before.isAutoRollback,
        confirmSeconds: input.ConfirmSeconds ?? before.confirmSeconds,
        updated,
      }
      apps.requirePresent(tx, ref)
      policies.update(tx, ref, next)
      return next
    })
    return { Policy: toPolicyView(policy) }
  },

  async GetReleasePolicy({ AppId }, { store, principal: { accountId } }) {
    const policy = await store.read(async (tx) => {
      await apps.get(tx, { accountId, appId: AppId })
      return policies.find(tx, AppId)
    })
    return { Policy: toPolicyView(policy) }
  },
}
