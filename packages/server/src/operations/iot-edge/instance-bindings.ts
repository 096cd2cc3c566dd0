// Scene rules, applications and the role of an edge instance: only that they are bound is known here.
import * as operations from '@littoral/contract/iot-edge/instance-bindings'
import type { Handlers } from '@littoral/contract/operation'
import { parseApplicationId, parseApplicationVersion, parseRoleArn, parseRuleId } from '../../domain/edge-instance.ts'
import { newPage } from '../../domain/edge-page.ts'
import * as applications from '../../store/iot-edge/applications.ts'
import * as instances from '../../store/iot-edge/edge-instances.ts'
import * as sceneRules from '../../store/iot-edge/scene-rules.ts'
import type { Context } from '../context.ts'

export const handlers = {
  async BindSceneRuleToEdgeInstance({ InstanceId, RuleId }, { store, principal: { accountId }, now, settings }) {
    await store.write(async (tx) => {
      const instance = await instances.get(tx, accountId, InstanceId)
      const rule = { id: parseRuleId(RuleId), instanceId: instance.id, accountId, nowMs: now() }
      sceneRules.insert(tx, rule, settings.limits.sceneRulesPerInstance)
    })
    return {}
  },

  async QueryEdgeInstanceSceneRule({ InstanceId, CurrentPage, PageSize }, { store, principal }) {
    const at = newPage(CurrentPage, PageSize)
    const found = await store.read(async (tx) => {
      const { id } = await instances.get(tx, principal.accountId, InstanceId)
      return sceneRules.page(tx, id, at)
    })
    const RuleList = found.rules.map(({ id, boundAtMs }) => ({
      RuleId: id,
      IsExisted: 1 as const,
      Status: 0 as const,
      GmtCreate: boundAtMs,
    }))
    return { Data: { RuleList, CurrentPage: at.currentPage, PageSize: at.pageSize, Total: found.total } }
  },

  async UnbindSceneRuleFromEdgeInstance({ InstanceId, RuleId }, { store, principal }) {
    await store.write(async (tx) => {
      const { id } = await instances.get(tx, principal.accountId, InstanceId)
      sceneRules.remove(tx, id, RuleId)
    })
    return {}
  },

  async BindApplicationToEdgeInstance({ InstanceId, ApplicationId, ApplicationVersion }, ctx) {
    const { store, principal, now, settings } = ctx
    const { accountId } = principal
    const version = parseApplicationVersion(ApplicationVersion)
    await store.write(async (tx) => {
      const instance = await instances.get(tx, accountId, InstanceId)
      const application = { id: parseApplicationId(ApplicationId), version, instanceId: instance.id, accountId, nowMs: now() }
      applications.insert(tx, application, settings.limits.applicationsPerInstance)
    })
    return {}
  },

  async UnbindApplicationFromEdgeInstance({ InstanceId, ApplicationId }, { store, principal }) {
    await store.write(async (tx) => {
      const { id } = await instances.get(tx, principal.accountId, InstanceId)
      applications.remove(tx, id, ApplicationId)
    })
    return {}
  },

  async BindRoleToEdgeInstance({ InstanceId, RoleArn, RoleName }, { store, principal, now }) {
    await store.write(async (tx) => {
      const { id } = await instances.get(tx, principal.accountId, InstanceId)
      instances.updateRole(tx, id, { arn: parseRoleArn(RoleArn), name: RoleName, attachedAtMs: now() }, now())
    })
    return {}
  },

  async UnbindRoleFromEdgeInstance({ InstanceId }, { store, principal, now }) {
    await store.write(async (tx) => {
      const { id, role } = await instances.get(tx, principal.accountId, InstanceId)
      if (role !== undefined) instances.updateRole(tx, id, undefined, now())
    })
    return {}
  },
} satisfies Handlers<typeof operations, Context>
