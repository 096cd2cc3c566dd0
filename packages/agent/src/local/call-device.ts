// A call of a device that came from the server, on its way to the driver and back.
import type { CallRequest } from '@littoral/contract/node/stream'
import { StepError } from '../runtime/runtime.ts'
import type { Doors } from './local-doors.ts'

const longestAnswer = 256 * 1024

/** The answer as JSON text of {code, message, data}. Throws StepError: DeviceOffline, CallTimeout, CallFailed. */
export async function callDevice(doors: Doors, request: CallRequest): Promise<string> {
  const { productKey, deviceName, service, timeoutMs } = request
  const device = { productKey, deviceName }
  const line = doors.lineOf(device)
  if (!line) throw new StepError('DeviceOffline', `${productKey}/${deviceName} is not online behind any driver of this node`)
  let text: string
  try {
    text = JSON.stringify(await line.callDevice(device, service, JSON.parse(request.params), timeoutMs))
  } catch (error) {
    const isLate = error instanceof DOMException && error.name === 'TimeoutError'
    throw new StepError(isLate ? 'CallTimeout' : 'CallFailed', error instanceof Error ? error.message : String(error), { cause: error })
  }
  if (text.length > longestAnswer) throw new StepError('CallFailed', `the answer is longer than ${longestAnswer} characters`)
  return text
}
