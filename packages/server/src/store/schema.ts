// Every table of the store as one type. Each family declares its own in tables/; queries are typed against this.
import type { CoreTables } from './tables/core.ts'
import type { DeviceStatesTables } from './tables/device-states.ts'
import type { EdgeContainerTables } from './tables/edge-container.ts'
import type { GatewayBindingsTables } from './tables/gateway-bindings.ts'
import type { IncidentsTables } from './tables/incidents.ts'
import type { IotEdgeRestTables } from './tables/iot-edge-rest.ts'
import type { IotEdgeTables } from './tables/iot-edge.ts'
import type { LeftoversTables } from './tables/leftovers.ts'
import type { NodesTables } from './tables/nodes.ts'
import type { RecordsTables } from './tables/records.ts'
import type { ReleasesTables } from './tables/releases.ts'
import type { StreamsTables } from './tables/streams.ts'
import type { UpgradesTables } from './tables/upgrades.ts'

export interface Schema
  extends
    CoreTables,
    NodesTables,
    EdgeContainerTables,
    IotEdgeTables,
    ReleasesTables,
    RecordsTables,
    IotEdgeRestTables,
    StreamsTables,
    UpgradesTables,
    GatewayBindingsTables,
    DeviceStatesTables,
    LeftoversTables,
    IncidentsTables {}
