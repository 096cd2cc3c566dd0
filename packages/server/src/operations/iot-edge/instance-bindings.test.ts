import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Door, openDoor } from '../../../../../test/iot-edge/door.ts'

describe('scene rules, applications and the role of an edge instance', () => {
  let door: Door
  let InstanceId: string
  beforeEach(async () => {
    door = await openDoor({ settings: { limits: { sceneRulesPerInstance: 2, applicationsPerInstance: 2 } } })
    InstanceId = await door.instance()
  })
  afterEach(() => door.ctx.close())

  const page = async (fields: object = {}) =>
    (await door.call('QueryEdgeInstanceSceneRule', { InstanceId, CurrentPage: 1, PageSize: 10, ...fields })).Data
  const bindRule = (RuleId: unknown, fields: object = {}) => door.code('BindSceneRuleToEdgeInstance', { InstanceId, RuleId, ...fields })

  it('binds scene rules once, and lists them newest first with the time as a number', async () => {
    expect(await bindRule('rule_1')).toBe('Success')
    door.ctx.clock.advance(1000)
    expect(await bindRule('rule_2')).toBe('Success')
    expect(await bindRule('rule_1')).toBe('Success')
    const about = { IsExisted: 1, Status: 0 }
    expect(await page()).toEqual({
      RuleList: [
        { RuleId: 'rule_2', ...about, GmtCreate: door.ctx.now() },
        { RuleId: 'rule_1', ...about, GmtCreate: door.ctx.now() - 1000 },
      ],
      CurrentPage: 1,
      PageSize: 10,
      Total: 2,
    })
    expect(await page({ CurrentPage: 2, PageSize: 1 })).toMatchObject({ RuleList: [{ RuleId: 'rule_1' }], Total: 2 })
    expect(await bindRule('rule_3')).toBe('iot.common.ParameterSizeLimit')
    expect(await bindRule('no rule')).toBe('iot.rule.NotFoundRule')
    expect(await bindRule('rule_1', { InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
    expect(await bindRule(undefined)).toBe('MissingRuleId')
    const query = (fields: object) => door.code('QueryEdgeInstanceSceneRule', { InstanceId, CurrentPage: 1, PageSize: 1, ...fields })
    expect(await query({ InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
    expect(await query({ CurrentPage: 'x' })).toBe('iot.common.InvalidPageParams')
  })

  it('takes scene rules out, again and again', async () => {
    await bindRule('rule_1')
    const unbind = (fields: object = {}) => door.code('UnbindSceneRuleFromEdgeInstance', { InstanceId, RuleId: 'rule_1', ...fields })
    expect(await unbind()).toBe('Success')
    expect(await unbind()).toBe('Success')
    expect((await page()).Total).toBe(0)
    expect(await unbind({ InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
  })

  it('binds applications, switches their version and takes them out', async () => {
    const bind = (ApplicationId: string, ApplicationVersion: string, fields: object = {}) =>
      door.code('BindApplicationToEdgeInstance', { InstanceId, ApplicationId, ApplicationVersion, ...fields })
    const unbind = (fields: object = {}) =>
      door.code('UnbindApplicationFromEdgeInstance', { InstanceId, ApplicationId: 'app_2', ...fields })
    const deployed = async () => {
      const { DeploymentId } = await door.call('CreateEdgeInstanceDeployment', { InstanceId, Type: 'deploy' })
      const { Data } = await door.call('GetEdgeInstanceDeployment', { InstanceId, DeploymentId })
      await door.call('CloseEdgeInstanceDeployment', { InstanceId })
      return Data.TaskList[0].ResourceSnapshotList.map(({ ResourceName }: { ResourceName: string }) => ResourceName)
    }
    await door.gateway(InstanceId)
    expect(await bind('app_1', '1.0')).toBe('Success')
    expect(await bind('app_2', '1.0')).toBe('Success')
    expect(await bind('app_1', '2.0')).toBe('Success')
    expect(await deployed()).toEqual(['app_1:2.0', 'app_2:1.0'])
    expect(await bind('app_3', '1.0')).toBe('iot.common.ParameterSizeLimit')
    expect(await bind('no app', '1.0')).toBe('iot.edge.ApplicationNotExist')
    expect(await bind('app_1', 'no version')).toBe('iot.common.InvalidParam')
    expect(await bind('app_1', '1.0', { InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
    expect(await unbind()).toBe('Success')
    expect(await unbind()).toBe('Success')
    expect(await deployed()).toEqual(['app_1:2.0'])
    expect(await unbind({ InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
  })

  it('attaches one role at a time and shows it with the instance', async () => {
    const bind = (RoleArn: string, RoleName: string, fields: object = {}) =>
      door.code('BindRoleToEdgeInstance', { InstanceId, RoleArn, RoleName, ...fields })
    const read = async () => (await door.call('GetEdgeInstance', { InstanceId })).Data
    expect(await bind('acs:ram::1760000000000001:role/first', 'First')).toBe('Success')
    door.ctx.clock.advance(1000)
    expect(await bind('acs:ram::1760000000000001:role/second', 'Second')).toBe('Success')
    expect(await read()).toMatchObject({
      RoleArn: 'acs:ram::1760000000000001:role/second',
      RoleName: 'Second',
      RoleAttachTime: '2026-01-05 16:00:01',
      RoleAttachTimestamp: door.ctx.now(),
    })
    expect(await bind('acs:ram::me:role/second', 'Second')).toBe('iot.ruleng.InvalidRamRole')
    expect(await bind('acs:ram::1:role/a', 'x'.repeat(65))).toBe('iot.common.InvalidParam')
    expect(await bind('acs:ram::1:role/a', 'A', { InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
    const unbind = (fields: object = {}) => door.code('UnbindRoleFromEdgeInstance', { InstanceId, ...fields })
    expect(await unbind()).toBe('Success')
    expect(Object.keys(await read()).filter((name) => name.startsWith('Role'))).toEqual([])
    expect(await unbind()).toBe('Success')
    expect(await unbind({ InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
  })
})
