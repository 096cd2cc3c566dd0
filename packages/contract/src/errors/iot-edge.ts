// Faults of the Link IoT Edge family: HTTP 200 with Success false (contract: iot-edge §10).
import { faultEntries } from './entry.ts'

export const iotEdgeFaults = faultEntries({
  'iot.common.InvalidParam': { status: 200, message: '{Detail}', advice: 'Correct the field the message names.' },
})
