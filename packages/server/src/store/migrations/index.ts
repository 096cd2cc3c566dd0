// Every migration, oldest first. A new one goes to the end; a released one is never edited (migration.ts says why).
import { core } from './0001-core.ts'
import { nodes } from './0002-nodes.ts'
import { edgeContainer } from './0003-edge-container.ts'
import { iotEdge } from './0004-iot-edge.ts'
import { releases } from './0005-releases.ts'
import { records } from './0006-records.ts'
import { iotEdgeRest } from './0007-iot-edge-rest.ts'
import { streams } from './0008-streams.ts'
import { gatewayBindings } from './0014-gateway-bindings.ts'
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
  gatewayBindings,
]
