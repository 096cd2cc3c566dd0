// The tables of the edge container family. Their types are in tables/edge-container.ts.
import type { Migration } from './migration.ts'

export const edgeContainer: Migration = { name: '0003-edge-container', up: [] }
