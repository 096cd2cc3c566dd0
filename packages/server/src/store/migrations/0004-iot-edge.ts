// The tables of the IoT edge family. Their types are in tables/iot-edge.ts.
import type { Migration } from './migration.ts'

export const iotEdge: Migration = { name: '0004-iot-edge', up: [] }
