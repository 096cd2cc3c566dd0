// Faults that the gateway itself answers, before any operation runs, with the vendor's exact texts
// (contract: pop-gateway §10).
import { faultEntries } from './entry.ts'

export const gatewayFaults = faultEntries({
  Missing: { code: 'Missing{Name}', status: 400, message: '{Name} is mandatory for this action.', advice: 'Send the named parameter.' },
  InternalError: {
    status: 500,
    message: 'The request processing has failed due to some unknown error, exception or failure.',
    advice: 'Try again; if it stays, look for the request id in the server log.',
  },
})
