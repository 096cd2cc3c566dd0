// Every migration, oldest first. A new one goes to the end; a released one is never edited (migration.ts says why).
import { core } from './0001-core.ts'
import { nodes } from './0002-nodes.ts'
import { edgeContainer } from './0003-edge-container.ts'
import { iotEdge } from './0004-iot-edge.ts'
import { releases } from './0005-releases.ts'
import { records } from './0006-records.ts'
import { iotEdgeRest } from './0007-iot-edge-rest.ts'
import { streams } from './0008-streams.ts'
import { survival } from './0009-survival.ts'
import { incidents } from './0010-incidents.ts'
import { upgrades } from './0011-upgrades.ts'
import { deviceStates } from './0012-device-states.ts'
import { gatewayBindings } from './0014-gateway-bindings.ts'
import { rivers } from './0015-rivers.ts'
import { leftovers } from './0017-leftovers.ts'
import { lists } from './0018-lists.ts'
import { versions } from './0019-versions.ts'
import type { Migration } from './migration.ts'

export const migrations: readonly Migration[] = [
  core,
  nodes,
  edgeContainer,
  iotEdge,
  releases,
  records,
  iotEdgeRest,
  streams,
  survival,
  incidents,
  upgrades,
  deviceStates,
  gatewayBindings,
  rivers,
  leftovers,
  lists,
  versions,
]
