// Message routes: which sources and targets go together, and what each needs (contract: iot-edge.json,
// CreateEdgeInstanceMessageRouting).
import { invalidParam } from './invalid-param.ts'
import { lengthOf } from './text.ts'

export type RouteEnd = 'device' | 'function' | 'IotHub'

export interface RouteContent {
  readonly name?: string
  readonly sourceType: RouteEnd
  /** Empty where the cloud is the source. */
  readonly sourceData: string
  readonly topicFilter: string
  readonly targetType: Exclude<RouteEnd, 'device'>
  /** Empty where the cloud is the target. */
  readonly targetData: string
  readonly qos?: 0 | 1
}

export interface MessageRoute extends RouteContent {
  readonly id: number
  readonly instanceId: string
  readonly accountId: string
  readonly createdAtMs: number
  readonly modifiedAtMs: number
}

export interface RouteParams {
  readonly Name?: string
  readonly SourceType: RouteEnd
  readonly SourceData?: string
  readonly TopicFilter?: string
  readonly TargetType: Exclude<RouteEnd, 'device'>
  readonly TargetData?: string
  readonly TargetIotHubQos?: 0 | 1
}

const deviceSource = /^(#|\/[^/]+\/(\+|[^/]+))$/

/** Throws iot.common.InvalidParam. */
export function parseRoute(params: RouteParams): RouteContent {
  const { Name = '', SourceType, SourceData = '', TopicFilter, TargetType, TargetData = '', TargetIotHubQos } = params
  if (SourceType === 'IotHub' && TargetType === 'IotHub') throw invalidParam('TargetType', 'must be function where SourceType is IotHub.')
  checkEnd('SourceData', SourceType, SourceData)
  if (SourceType === 'device' && !deviceSource.test(SourceData)) {
    throw invalidParam('SourceData', 'must be /ProductKey/DeviceName, /ProductKey/+ or #.')
  }
  checkEnd('TargetData', TargetType, TargetData)
  if (TargetType === 'IotHub' && TargetIotHubQos === undefined) {
    throw invalidParam('TargetIotHubQos', 'is needed where TargetType is IotHub.')
  }
  const content = { sourceType: SourceType, sourceData: SourceData, targetType: TargetType, targetData: TargetData }
  return {
    ...content,
    topicFilter: TopicFilter || 'all',
    ...(Name === '' ? {} : { name: parseName(Name) }),
    ...(TargetIotHubQos === undefined ? {} : { qos: TargetIotHubQos }),
  }
}

function checkEnd(field: string, end: RouteEnd, text: string): void {
  if (end === 'IotHub' && text !== '') throw invalidParam(field, 'must be left out for the cloud.')
  if (end !== 'IotHub' && text === '') throw invalidParam(field, 'is needed for a device or an application.')
}

function parseName(name: string): string {
  const wide = name.match(/[\u3000-\u303f\u4e00-\u9fa5\uff01-\uff60\uffe0-\uffe6]/g)?.length ?? 0
  const width = lengthOf(name) + wide
  if (width < 4 || width > 32) {
    throw invalidParam('Name', 'must be 4 to 32 characters; Chinese characters and full-width signs count as 2.')
  }
  return name
}
