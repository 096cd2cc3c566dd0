// Operations on how careful the releases of an application are.
import Type from 'typebox'
import { operation } from '../operation.ts'
import { Time } from './fields.ts'
import { AppId } from './releases.ts'

const Amount = (description: string) => Type.String({ pattern: '^([1-9][0-9]{0,4}|(100|[1-9][0-9]?)%)$', maxLength: 6, description })
const maxUnavailable = 'Nodes that may be changing, or ready for less than the bake time, at once: a number, or a share such as 25%.'
const failureBudget =
  'Nodes on which a version may fail: a number, or a share such as 25%. Nodes in doubt count as failed in advance, so it is never exceeded.'
const canaryNodes =
  'While fewer nodes than this have proven a version, it is on no more than this many, and stops when it failed on that many; 0: no canary.'
const bakeSeconds = 'How long a node has to stay ready on a version before it counts as proven. A rollback does not wait for it.'
const deadlineSeconds =
  'How long a node may take to become ready, from the moment it is there to be told. After it the version has failed on that node, ' +
  'which returns to the version before.'
const autoRollback = 'Whether all of production is rolled back when the failure budget is used up.'
const confirmSeconds =
  'How long a node that loses contact with the server after the change waits for it before it goes back to the version before by ' +
  'itself, and says so when it is back. Once the node has confirmed the version over the network nothing makes it go back. 0: never.'

const policyFields = {
  MaxUnavailable: Type.String({ description: maxUnavailable }),
  FailureBudget: Type.String({ description: failureBudget }),
  CanaryNodes: Type.Integer({ description: canaryNodes }),
  BakeSeconds: Type.Integer({ description: bakeSeconds }),
  DeadlineSeconds: Type.Integer({ description: deadlineSeconds }),
  AutoRollback: Type.Boolean({ description: autoRollback }),
  ConfirmSeconds: Type.Integer({ description: confirmSeconds }),
  UpdatedAt: Type.Optional(Time('When it was set; left out while everything is as it is by default')),
  UpdatedBy: Type.Optional(Type.String({ description: 'Access key id of who set it.' })),
}

const examplePolicy = {
  MaxUnavailable: '25%',
  FailureBudget: '2',
  CanaryNodes: 1,
  BakeSeconds: 60,
  DeadlineSeconds: 600,
  AutoRollback: true,
  ConfirmSeconds: 600,
  UpdatedAt: '2026-12-01T09:00:00Z',
  UpdatedBy: 'LTAI5tExample',
}

export const SetReleasePolicy = operation({
  action: 'SetReleasePolicy',
  summary: 'Sets how careful releases of an application to production are.',
  description:
    'What is left out stays as it is. A change counts at once, also for a release under way. There are no other limits than these. A ' +
    'share is rounded down, and is at least one node. The first version of an application goes to all nodes at once: nothing can be lost.',
  access: 'update',
  input: Type.Object({
    AppId,
    MaxUnavailable: Type.Optional(Amount(`${maxUnavailable} Default: 25%.`)),
    FailureBudget: Type.Optional(Amount(`${failureBudget} Default: 25%.`)),
    CanaryNodes: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000, description: `${canaryNodes} Default: 1.` })),
    BakeSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 604_800, description: `${bakeSeconds} Default: 0.` })),
    DeadlineSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 604_800, description: `${deadlineSeconds} Default: 600.` })),
    AutoRollback: Type.Optional(Type.Boolean({ description: `${autoRollback} Default: false.` })),
    ConfirmSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 604_800, description: `${confirmSeconds} Default: 600.` })),
  }),
  output: Type.Object({ Policy: Type.Object(policyFields, { description: 'The policy as it is now.' }) }),
  errors: ['InvalidApp.NotFound', 'Node.InvalidParameter'],
  example: {
    input: { AppId: 'app-880688675783794688', FailureBudget: '2', BakeSeconds: 60, AutoRollback: true },
    output: { Policy: examplePolicy },
  },
})

export const GetReleasePolicy = operation({
  action: 'GetReleasePolicy',
  summary: 'Returns how careful releases of an application to production are.',
  access: 'get',
  input: Type.Object({ AppId }),
  output: Type.Object({ Policy: Type.Object(policyFields, { description: 'The policy.' }) }),
  errors: ['InvalidApp.NotFound', 'Node.InvalidParameter'],
  example: { input: { AppId: 'app-880688675783794688' }, output: { Policy: examplePolicy } },
})
