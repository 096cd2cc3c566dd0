// What the node end must know of gateway devices. The devices themselves belong to the IoT family's store.

export interface GatewayIdentity {
  readonly accountId: string
  readonly iotId: string
  readonly deviceSecret: string
}

export interface GatewayDirectory {
  /** The gateway device of that name, if there is one and it may connect. */
  find(productKey: string, deviceName: string): Promise<GatewayIdentity | undefined>
}
