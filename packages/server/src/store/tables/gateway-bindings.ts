// Table types of what gateways keep of their edge instances, created by migrations/0014-gateway-bindings.ts; the column it
// adds to deployment_snapshots stands in iot-edge.ts.

export interface GatewayBindingRow {
  node_id: string
  instance_id: string
  kind: string
  id: string
  account_id: string
  name: string
  /** JSON text. */
  content: string
}

export interface GatewayBindingsTables {
  gateway_bindings: GatewayBindingRow
}
