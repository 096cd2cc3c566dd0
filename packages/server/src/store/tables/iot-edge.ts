// Table types of the IoT edge family, created by migrations/0004-iot-edge.ts.

export interface ProductRow {
  key: string
  account_id: string
  name: string
  node_type: number
  created_at_ms: number
  /** JSON of ProductDetails. */
  details: string
}

export interface DeviceRow {
  iot_id: string
  account_id: string
  product_key: string
  name: string
  /** Sealed; see iot-edge/device-secrets.ts. */
  secret: string
  nickname: string | null
  created_at_ms: number
}

export interface DriverRow {
  id: string
  account_id: string
  name: string
  protocol: string
  runtime: string
  cpu_arch: string | null
  is_built_in: number
  type: number
  created_at_ms: number
  modified_at_ms: number
}

export interface DriverVersionRow {
  driver_id: string
  version: string
  account_id: string
  is_released: number
  created_at_ms: number
  modified_at_ms: number
  package_sha256: string | null
  package_bytes: number | null
  /** JSON of VersionContent. */
  content: string
}

export interface EdgeInstanceRow {
  id: string
  account_id: string
  name: string
  spec: number
  tags: string | null
  is_enabled: number
  gateway_iot_id: string | null
  latest_deployment_id: string | null
  created_at_ms: number
  modified_at_ms: number
  role_arn: string | null
  role_name: string | null
  role_attached_at_ms: number | null
}

export interface InstanceDriverRow {
  instance_id: string
  driver_id: string
  account_id: string
  /** Repeated here, because two drivers of one name exclude each other inside an instance. */
  driver_name: string
  version: string
  order_id: string | null
  created_at_ms: number
  modified_at_ms: number
  /** JSON list of {id, block}; replaced as a whole. */
  configs: string
}

export interface InstanceDeviceRow {
  iot_id: string
  instance_id: string
  account_id: string
  driver_id: string | null
  created_at_ms: number
  /** JSON text that the driver is handed. */
  config: string | null
  channel_id: string | null
  /** Where the text was read from, if it came as a file. */
  config_address: string | null
}

export interface DeploymentRow {
  id: string
  account_id: string
  instance_id: string
  type: string
  status: number
  gateway_iot_id: string
  task_id: string
  created_at_ms: number
  modified_at_ms: number
  dispatched_at_ms: number | null
  completed_at_ms: number | null
}

export interface DeploymentSnapshotRow {
  deployment_id: string
  /** Place in the job's list. */
  place: number
  id: string
  account_id: string
  resource_type: string
  resource_id: string
  resource_name: string
  operate_type: number
  status: number
  stage: number
  workload_key: string | null
  created_at_ms: number
  modified_at_ms: number
  completed_at_ms: number | null
  /** JSON list of LogLine. */
  log: string
  /** JSON of DriverWorkload. */
  workload: string | null
  /** JSON text of what a gateway keeps and does not carry out. */
  content: string | null
}

/** Objects by key: announced when an address is handed out, complete once `sha256` is there. */
export interface ObjectRow {
  key: string
  account_id: string
  /** scheme://host:port that the address was handed out with; null when it came without one. */
  origin: string | null
  sha256: string | null
  /** Base64; what clients know as the ETag is its hexadecimal form. */
  md5: string | null
  size_bytes: number | null
  created_at_ms: number
  stored_at_ms: number | null
}

export interface IotEdgeTables {
  products: ProductRow
  devices: DeviceRow
  drivers: DriverRow
  driver_versions: DriverVersionRow
  edge_instances: EdgeInstanceRow
  instance_drivers: InstanceDriverRow
  instance_devices: InstanceDeviceRow
  deployments: DeploymentRow
  deployment_snapshots: DeploymentSnapshotRow
  objects: ObjectRow
}
