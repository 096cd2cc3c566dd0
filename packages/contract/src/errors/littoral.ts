// Faults of Littoral's own family.
import { faultEntries } from './entry.ts'

export const littoralFaults = faultEntries({
  'Node.NotFound': { status: 404, message: 'The node {NodeId} does not exist.', advice: 'List the nodes with ListNodes.' },
})
