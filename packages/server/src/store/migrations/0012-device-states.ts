// Thing models of products, and what devices behind gateways said: whether they are online, the newest value of each property, and what was said before.
// Their types are in tables/device-states.ts.
import type { Migration } from './migration.ts'

export const deviceStates: Migration = {
  name: '0012-device-states',
  up: [
    `CREATE TABLE thing_models (
      product_key TEXT NOT NULL PRIMARY KEY REFERENCES products (key) ON DELETE CASCADE,
      model TEXT NOT NULL,
      updated_at_ms BIGINT NOT NULL
    )`,
    `CREATE TABLE device_states (
      iot_id TEXT NOT NULL PRIMARY KEY REFERENCES devices (iot_id) ON DELETE CASCADE,
      node_id TEXT NOT NULL,
      driver_id TEXT NOT NULL,
      is_online BIGINT NOT NULL,
      since_ms BIGINT NOT NULL,
      first_online_at_ms BIGINT,
      last_online_at_ms BIGINT
    )`,
    `CREATE INDEX device_states_by_node ON device_states (node_id, is_online)`,
    `CREATE TABLE device_properties (
      iot_id TEXT NOT NULL REFERENCES devices (iot_id) ON DELETE CASCADE,
      name TEXT NOT NULL,
      value TEXT NOT NULL,
      at_ms BIGINT NOT NULL,
      PRIMARY KEY (iot_id, name)
    )`,
    `CREATE TABLE device_history (
      iot_id TEXT NOT NULL REFERENCES devices (iot_id) ON DELETE CASCADE,
      kind TEXT NOT NULL,
      name TEXT NOT NULL,
      at_ms BIGINT NOT NULL,
      value TEXT NOT NULL,
      received_at_ms BIGINT NOT NULL,
      PRIMARY KEY (iot_id, kind, name, at_ms)
    )`,
    `CREATE INDEX device_history_by_time ON device_history (iot_id, kind, at_ms)`,
    `CREATE INDEX device_history_by_receipt ON device_history (received_at_ms)`,
  ],
}
