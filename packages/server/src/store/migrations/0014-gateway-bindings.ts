// What gateways keep of their edge instances without carrying it out, and the way to device secrets that older versions left
// unsealed. Table types: tables/gateway-bindings.ts.
import type { Migration } from './migration.ts'

export const gatewayBindings: Migration = {
  name: '0014-gateway-bindings',
  up: [
    `CREATE TABLE gateway_bindings (
      node_id TEXT NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
      instance_id TEXT NOT NULL,
      kind TEXT NOT NULL,
      id TEXT NOT NULL,
      account_id TEXT NOT NULL,
      name TEXT NOT NULL,
      content TEXT NOT NULL,
      PRIMARY KEY (node_id, instance_id, kind, id)
    )`,
    `ALTER TABLE deployment_snapshots ADD COLUMN content TEXT`,
    // Empty but for data that an older version wrote; store/iot-edge/device-secrets.ts seals what is in it when the server opens.
    `CREATE INDEX devices_unsealed ON devices (iot_id) WHERE substr(secret, 1, 3) <> 'v1.'`,
  ],
}
