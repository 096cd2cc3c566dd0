// Faults that the gateway itself answers, before any operation runs, with the vendor's exact texts
// (contract: pop-gateway §10). Old clients parse some of them, so not even a space may change.
import { faultEntries } from './entry.ts'

const resign = 'Sign the text that the message shows, with the secret of this key.'

export const gatewayFaults = faultEntries({
  Missing: { code: 'Missing{Name}', status: 400, message: '{Name} is mandatory for this action.', advice: 'Send the named parameter.' },
  Invalid: {
    code: 'Invalid{Name}',
    status: 400,
    message: 'Specified parameter {Name} is not valid.',
    advice: 'Correct the named parameter.',
  },
  InvalidVersion: {
    status: 400,
    message: 'Specified parameter Version is not valid.',
    advice: 'Send the version of a product that this installation serves: 2024-09-10, 2018-01-20 or 2026-12-01.',
  },
  'InvalidAction.NotFound': {
    status: 404,
    message: 'Specified api is not found, please check your url and method.',
    advice: 'Check the spelling of the action, upper and lower case included, and that the path is /.',
  },
  UnsupportedHTTPMethod: { status: 400, message: 'This http method is not supported.', advice: 'Use GET or POST.' },
  'InvalidParameter.Format': { status: 400, message: 'Specified parameter format is not valid.', advice: 'Send JSON or XML as Format.' },
  InvalidSignatureMethod: {
    status: 400,
    message: 'Specified signature method is not valid.',
    advice: 'Sign with HMAC-SHA1, ACS3-HMAC-SHA256 or ACS3-HMAC-SM3.',
  },
  IncompleteSignature: {
    status: 400,
    message: 'The request signature does not conform to Aliyun standards. server string to sign is:{StringToSign}',
    advice: 'Send Credential, SignedHeaders and Signature, and sign every x-acs-* header of the call.',
  },
  // Command line, Go, Python, Java and PHP clients look for their own string after the only colon of this text.
  SignatureDoesNotMatch: {
    status: 400,
    message: 'Specified signature is not matched with our calculation. server string to sign is:{StringToSign}',
    advice: resign,
  },
  'SignatureDoesNotMatch.V3': {
    code: 'SignatureDoesNotMatch',
    status: 400,
    message:
      'Specified signature does not match our calculation. server StringToSign is [{StringToSign}] server CanonicalRequest is [{CanonicalRequest}]',
    advice: resign,
  },
  'InvalidTimeStamp.Format': {
    status: 400,
    message: 'Specified time stamp or date value is not well formatted.',
    advice: 'Write the time as YYYY-MM-DDThh:mm:ssZ in UTC.',
  },
  'InvalidTimeStamp.Expired': {
    status: 400,
    message: 'Specified time stamp or date value is expired.',
    advice: 'Set the clock of the client: it may differ by at most 15 minutes.',
  },
  SignatureNonceUsed: {
    status: 400,
    message: 'Specified signature nonce was used already.',
    advice: 'Use a new random nonce for every request, also for repeated ones.',
  },
  'InvalidAccessKeyId.NotFound': { status: 404, message: 'Specified access key is not found.', advice: 'Check the access key id.' },
  'InvalidAccessKeyId.Inactive': {
    status: 400,
    message: 'Specified access key is disabled.',
    advice: 'Enable the key, or use another one.',
  },
  'InvalidSecurityToken.Expired': {
    status: 400,
    message: 'Specified SecurityToken is expired.',
    advice: 'Ask for new temporary credentials.',
  },
  'InvalidSecurityToken.Malformed': {
    status: 400,
    message: 'Specified SecurityToken is malformed.',
    advice: 'Send a token only with the temporary key it was issued with.',
  },
  'InvalidSecurityToken.MismatchWithAccessKey': {
    status: 400,
    message: 'Specified SecurityToken mismatch with the AccessKey.',
    advice: 'Use key id, secret and token of the same answer.',
  },
  'Throttling.User': {
    status: 400,
    message: 'Request was denied due to user flow control.',
    advice: 'Wait for x-acs-retry-after milliseconds.',
  },
  NoPermission: {
    status: 403,
    message: 'You are not authorized to do this action. Resource: {Resource} Action: {Action}',
    advice: 'Have the action allowed for this identity.',
  },
  ServiceUnavailable: {
    status: 503,
    message: 'The request has failed due to a temporary failure of the server.',
    advice: 'Try again in a moment.',
  },
  InternalError: {
    status: 500,
    message: 'The request processing has failed due to some unknown error, exception or failure.',
    advice: 'Try again; if it stays, look for the request id in the server log.',
  },
  // From here on ours: conditions that the vendor's table has no row for.
  MalformedBody: {
    status: 400,
    message: 'The request body is not a JSON object, or it is compressed.',
    advice: 'Send a form, or a JSON object as the body, as it is and not compressed.',
  },
  MalformedRequest: { status: 400, message: 'The request is not well-formed HTTP.', advice: 'Check the client, and proxies on the way.' },
  RequestTooLarge: { status: 413, message: 'The request is too large: the limit is {Limit}.', advice: 'Send less in one request.' },
  RequestHeaderTooLarge: {
    status: 431,
    message: 'The address and headers of the request are too large: the limit is {Limit}.',
    advice: 'Send large parameters in the body.',
  },
  RequestTimeout: { status: 408, message: 'The request did not arrive completely in time.', advice: 'Send the request without pauses.' },
})
