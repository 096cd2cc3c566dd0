// Faults of the ESA edge container family (contract: esa-edge-container §8, and the error tables of its pages).
import { faultEntries } from './entry.ts'

export const edgeContainerFaults = faultEntries({
  InvalidParameter: { status: 400, message: 'The specified parameter is invalid. {Detail}', advice: 'Correct the field the message names.' },
})
