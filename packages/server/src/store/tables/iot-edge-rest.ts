// Table types of the IoT edge family that migrations/0007-iot-edge-rest.ts creates; the columns it adds to older tables
// stand with those in iot-edge.ts.

export interface InstanceChannelRow {
  id: string
  instance_id: string
  driver_id: string
  account_id: string
  name: string
  created_at_ms: number
  modified_at_ms: number
  /** JSON list of StoredBlock; replaced as a whole. */
  configs: string
}

export interface MessageRouteRow {
  id: number
  instance_id: string
  account_id: string
  created_at_ms: number
  modified_at_ms: number
  /** JSON of RouteContent. */
  content: string
  /** See creation-order.ts. */
  written: number
}

export interface InstanceSceneRuleRow {
  instance_id: string
  rule_id: string
  account_id: string
  created_at_ms: number
}

export interface InstanceApplicationRow {
  instance_id: string
  application_id: string
  account_id: string
  version: string
  created_at_ms: number
}

/** What the last deployments have put on an instance's gateway and not taken off again. */
export interface DeployedResourceRow {
  instance_id: string
  resource_type: string
  resource_id: string
  account_id: string
  resource_name: string
}

/** A gateway that has to lose everything of an instance it was taken out of; loops/deployments.ts does it. */
export interface GatewayClearingRow {
  gateway_iot_id: string
  instance_id: string
  account_id: string
}

export interface IotEdgeRestTables {
  instance_channels: InstanceChannelRow
  message_routes: MessageRouteRow
  instance_scene_rules: InstanceSceneRuleRow
  instance_applications: InstanceApplicationRow
  deployed_resources: DeployedResourceRow
  gateway_clearings: GatewayClearingRow
}
