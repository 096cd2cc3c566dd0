// Table types of thing models and of what devices behind gateways said; created by migrations/0012-device-states.ts.

export interface DeviceStateRow {
  iot_id: string
  /** Whose word it is; the device is online only while that node is. */
  node_id: string
  driver_id: string
  is_online: number
  since_ms: number
  first_online_at_ms: number | null
  last_online_at_ms: number | null
}

export interface DevicePropertyRow {
  iot_id: string
  name: string
  /** JSON text. */
  value: string
  at_ms: number
}

export interface DeviceHistoryRow {
  iot_id: string
  kind: 'property' | 'event'
  name: string
  /** The time the device gave. */
  at_ms: number
  /** JSON text. */
  value: string
  /** By this server's clock, which retention goes by. */
  received_at_ms: number
}

export interface ThingModelRow {
  product_key: string
  /** The JSON text as it was imported. */
  model: string
  updated_at_ms: number
}

export interface DeviceStatesTables {
  thing_models: ThingModelRow
  device_states: DeviceStateRow
  device_properties: DevicePropertyRow
  device_history: DeviceHistoryRow
}
