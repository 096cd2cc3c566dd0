// Channels, message routes, what else is bound to an edge instance, and what is on its gateway. Their types are in
// tables/iot-edge-rest.ts.
import type { Migration } from './migration.ts'

export const iotEdgeRest: Migration = {
  name: '0007-iot-edge-rest',
  up: [
    `ALTER TABLE edge_instances ADD COLUMN role_arn TEXT`,
    `ALTER TABLE edge_instances ADD COLUMN role_name TEXT`,
    `ALTER TABLE edge_instances ADD COLUMN role_attached_at_ms BIGINT`,
    `CREATE TABLE instance_channels (
      id TEXT NOT NULL PRIMARY KEY,
      instance_id TEXT NOT NULL,
      driver_id TEXT NOT NULL,
      account_id TEXT NOT NULL,
      name TEXT NOT NULL,
      created_at_ms BIGINT NOT NULL,
      modified_at_ms BIGINT NOT NULL,
      configs TEXT NOT NULL,
      UNIQUE (instance_id, name),
      FOREIGN KEY (instance_id, driver_id) REFERENCES instance_drivers (instance_id, driver_id) ON DELETE CASCADE
    )`,
    `CREATE INDEX instance_channels_by_driver ON instance_channels (instance_id, driver_id, created_at_ms)`,
    `ALTER TABLE instance_devices ADD COLUMN channel_id TEXT REFERENCES instance_channels (id) ON DELETE SET NULL`,
    `ALTER TABLE instance_devices ADD COLUMN config_address TEXT`,
    // Deleting a channel looks for its devices.
    `CREATE INDEX instance_devices_by_channel ON instance_devices (channel_id)`,
    `CREATE TABLE message_routes (
      id BIGINT NOT NULL PRIMARY KEY,
      instance_id TEXT NOT NULL REFERENCES edge_instances (id) ON DELETE CASCADE,
      account_id TEXT NOT NULL,
      created_at_ms BIGINT NOT NULL,
      modified_at_ms BIGINT NOT NULL,
      content TEXT NOT NULL
    )`,
    `CREATE INDEX message_routes_newest ON message_routes (instance_id, created_at_ms)`,
    `CREATE TABLE instance_scene_rules (
      instance_id TEXT NOT NULL REFERENCES edge_instances (id) ON DELETE CASCADE,
      rule_id TEXT NOT NULL,
      account_id TEXT NOT NULL,
      created_at_ms BIGINT NOT NULL,
      PRIMARY KEY (instance_id, rule_id)
    )`,
    `CREATE TABLE instance_applications (
      instance_id TEXT NOT NULL REFERENCES edge_instances (id) ON DELETE CASCADE,
      application_id TEXT NOT NULL,
      account_id TEXT NOT NULL,
      version TEXT NOT NULL,
      created_at_ms BIGINT NOT NULL,
      PRIMARY KEY (instance_id, application_id)
    )`,
    `CREATE TABLE deployed_resources (
      instance_id TEXT NOT NULL REFERENCES edge_instances (id) ON DELETE CASCADE,
      resource_type TEXT NOT NULL,
      resource_id TEXT NOT NULL,
      account_id TEXT NOT NULL,
      resource_name TEXT NOT NULL,
      PRIMARY KEY (instance_id, resource_type, resource_id)
    )`,
    `CREATE TABLE gateway_clearings (
      gateway_iot_id TEXT NOT NULL,
      instance_id TEXT NOT NULL,
      account_id TEXT NOT NULL,
      PRIMARY KEY (gateway_iot_id, instance_id)
    )`,
    `CREATE INDEX products_newest ON products (account_id, created_at_ms)`,
  ],
}
