// What the node end must know of gateway devices. The devices themselves belong to the IoT family's store.
import type { FaultSpec } from '@littoral/contract/errors'
import type { WriteTx } from '../store/store.ts'

export interface GatewayIdentity {
  readonly accountId: string
  readonly iotId: string
  readonly deviceSecret: string
}

export interface GatewayDirectory {
  /** The gateway device of that name, if there is one and it may connect. */
  find(productKey: string, deviceName: string): Promise<GatewayIdentity | undefined>
  /** Makes the write fail with this fault when the device is gone by the time it is committed. */
  require(tx: WriteTx, iotId: string, missing: FaultSpec): void
}
