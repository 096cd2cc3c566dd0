// The tables of the IoT edge family. Their types are in tables/iot-edge.ts.
import type { Migration } from './migration.ts'

export const iotEdge: Migration = {
  name: '0004-iot-edge',
  up: [
    `CREATE TABLE products (
      key TEXT NOT NULL PRIMARY KEY,
      account_id TEXT NOT NULL,
      name TEXT NOT NULL,
      node_type BIGINT NOT NULL,
      created_at_ms BIGINT NOT NULL,
      details TEXT NOT NULL,
      UNIQUE (account_id, name)
    )`,
    `CREATE TABLE devices (
      iot_id TEXT NOT NULL PRIMARY KEY,
      account_id TEXT NOT NULL,
      product_key TEXT NOT NULL REFERENCES products (key),
      name TEXT NOT NULL,
      secret TEXT NOT NULL,
      nickname TEXT,
      created_at_ms BIGINT NOT NULL,
      UNIQUE (product_key, name)
    )`,
    `CREATE TABLE drivers (
      id TEXT NOT NULL PRIMARY KEY,
      account_id TEXT NOT NULL,
      name TEXT NOT NULL,
      protocol TEXT NOT NULL,
      runtime TEXT NOT NULL,
      cpu_arch TEXT,
      is_built_in BIGINT NOT NULL,
      type BIGINT NOT NULL,
      created_at_ms BIGINT NOT NULL,
      modified_at_ms BIGINT NOT NULL,
      UNIQUE (account_id, name)
    )`,
    `CREATE INDEX drivers_newest ON drivers (type, account_id, created_at_ms, id)`,
    `CREATE TABLE driver_versions (
      driver_id TEXT NOT NULL REFERENCES drivers (id) ON DELETE CASCADE,
      version TEXT NOT NULL,
      account_id TEXT NOT NULL,
      is_released BIGINT NOT NULL,
      created_at_ms BIGINT NOT NULL,
      modified_at_ms BIGINT NOT NULL,
      package_sha256 TEXT,
      package_bytes BIGINT,
      content TEXT NOT NULL,
      PRIMARY KEY (driver_id, version)
    )`,
    `CREATE TABLE edge_instances (
      id TEXT NOT NULL PRIMARY KEY,
      account_id TEXT NOT NULL,
      name TEXT NOT NULL,
      spec BIGINT NOT NULL,
      tags TEXT,
      is_enabled BIGINT NOT NULL,
      gateway_iot_id TEXT UNIQUE REFERENCES devices (iot_id),
      latest_deployment_id TEXT,
      created_at_ms BIGINT NOT NULL,
      modified_at_ms BIGINT NOT NULL,
      UNIQUE (account_id, name)
    )`,
    `CREATE INDEX edge_instances_newest ON edge_instances (account_id, created_at_ms, id)`,
    `CREATE TABLE instance_drivers (
      instance_id TEXT NOT NULL REFERENCES edge_instances (id),
      driver_id TEXT NOT NULL REFERENCES drivers (id),
      account_id TEXT NOT NULL,
      driver_name TEXT NOT NULL,
      version TEXT NOT NULL,
      order_id TEXT,
      created_at_ms BIGINT NOT NULL,
      modified_at_ms BIGINT NOT NULL,
      configs TEXT NOT NULL,
      PRIMARY KEY (instance_id, driver_id),
      UNIQUE (instance_id, driver_name)
    )`,
    `CREATE TABLE instance_devices (
      iot_id TEXT NOT NULL PRIMARY KEY REFERENCES devices (iot_id),
      instance_id TEXT NOT NULL REFERENCES edge_instances (id),
      account_id TEXT NOT NULL,
      driver_id TEXT,
      created_at_ms BIGINT NOT NULL,
      config TEXT
    )`,
    `CREATE INDEX instance_devices_by_instance ON instance_devices (instance_id, driver_id)`,
    `CREATE TABLE deployments (
      id TEXT NOT NULL PRIMARY KEY,
      account_id TEXT NOT NULL,
      instance_id TEXT NOT NULL REFERENCES edge_instances (id),
      type TEXT NOT NULL,
      status BIGINT NOT NULL,
      gateway_iot_id TEXT NOT NULL,
      task_id TEXT NOT NULL,
      created_at_ms BIGINT NOT NULL,
      modified_at_ms BIGINT NOT NULL,
      dispatched_at_ms BIGINT,
      completed_at_ms BIGINT
    )`,
    // One unfinished job per instance, kept by the database so that two calls at once cannot both pass.
    `CREATE UNIQUE INDEX deployments_unfinished ON deployments (instance_id) WHERE status < 2`,
    `CREATE INDEX deployments_newest ON deployments (instance_id, created_at_ms)`,
    `CREATE TABLE deployment_snapshots (
      deployment_id TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
      place BIGINT NOT NULL,
      id TEXT NOT NULL UNIQUE,
      account_id TEXT NOT NULL,
      resource_type TEXT NOT NULL,
      resource_id TEXT NOT NULL,
      resource_name TEXT NOT NULL,
      operate_type BIGINT NOT NULL,
      status BIGINT NOT NULL,
      stage BIGINT NOT NULL,
      workload_key TEXT,
      created_at_ms BIGINT NOT NULL,
      modified_at_ms BIGINT NOT NULL,
      completed_at_ms BIGINT,
      log TEXT NOT NULL,
      workload TEXT,
      PRIMARY KEY (deployment_id, place)
    )`,
    `CREATE TABLE objects (
      key TEXT NOT NULL PRIMARY KEY,
      account_id TEXT NOT NULL,
      origin TEXT,
      sha256 TEXT,
      md5 TEXT,
      size_bytes BIGINT,
      created_at_ms BIGINT NOT NULL,
      stored_at_ms BIGINT
    )`,
  ],
}
