// What the instances of an app used.
import type { operations } from '@littoral/contract/edge-container/index'
import { Fault } from '@littoral/contract/errors'
import type { Handlers, Input } from '@littoral/contract/operation'
import { environments, workloadKey } from '../../domain/app.ts'
import { describeSamples, parseStatsFields, parseStatsWindow } from '../../domain/stats.ts'
import type { Settings } from '../../domain/settings.ts'
import * as apps from '../../store/edge-container/apps.ts'
import * as nodes from '../../store/nodes.ts'
import * as samples from '../../store/samples.ts'
import type { Context } from '../context.ts'

/** Of one answer; the newest count. */
const mostSamples = 50_000

type StatsInput = Input<typeof operations.DescribeEdgeContainerAppStats>

export const statsHandlers: Handlers<Pick<typeof operations, 'DescribeEdgeContainerAppStats'>, Context> = {
  async DescribeEdgeContainerAppStats(input, { store, principal, now, settings }) {
    const { accountId } = principal
    if (!/^app-\d+$/.test(input.App)) throw new Fault('InvalidParameter', { Detail: 'App: it is app- followed by digits.' })
    const fields = parseStatsFields(input.Fields)
    const window = parseStatsWindow(input, now())
    return store.read(async (tx) => {
      await apps.get(tx, { accountId, appId: input.App })
      const keys = environments.map((environment) => workloadKey(input.App, environment))
      const all = await samples.list(tx, { accountId, keys, ...window, limit: mostSamples })
      const isAsked = toNodeFilter(input, settings)
      const wanted = isAsked === undefined ? undefined : new Set((await nodes.list(tx, { accountId })).filter(isAsked).map(({ id }) => id))
      const asked = wanted === undefined ? all : all.filter(({ nodeId }) => wanted.has(nodeId))
      return describeSamples(asked, { ...window, fields, leastStepMs: settings.statsEveryMs })
    })
  },
}

/** The carriers' other names, as the resource calls write them. */
const carriers: Readonly<Record<string, string>> = {
  telecom: 'chinanet',
  unicom: 'unicom',
  mobile: 'cmcc',
  cmcc: 'cmcc',
  chinanet: 'chinanet',
}

function toNodeFilter({ Isp, Locate }: StatsInput, { regions }: Settings): ((node: nodes.NodeRecord) => boolean) | undefined {
  if (!Isp && !Locate) return undefined
  const isps = Isp ? Isp.split(',').map((name) => carriers[name.trim().toLowerCase()] ?? name.trim().toLowerCase()) : undefined
  return ({ region }) => {
    const isp = regions.find(({ code }) => code === region)?.isp?.toLowerCase()
    const isOfCarrier = isps === undefined || (isp !== undefined && isps.includes(isp))
    return isOfCarrier && (!Locate || region.toLowerCase() === Locate.toLowerCase())
  }
}
