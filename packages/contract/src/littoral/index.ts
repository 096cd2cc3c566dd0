// Littoral's own family: what the vendor's families cannot say. Same shape as they have.
import type { Family } from '../operation.ts'
import { CreateNodeToken, GetNode, ListNodes } from './nodes.ts'

export const operations = { CreateNodeToken, ListNodes, GetNode }

export const family = {
  product: 'littoral',
  version: '2026-12-01',
  title: 'Littoral',
  envelope: 'plain',
  invalid: 'Node.InvalidParameter',
  operations,
} as const satisfies Family
