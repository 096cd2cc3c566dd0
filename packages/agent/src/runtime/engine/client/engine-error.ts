// Errors of the container engine, classified by what they mean. Statuses differ between engines and versions (a name
// conflict is 409 in Docker, 500 in Podman; a refused pull is 500), so texts decide where the status cannot.

/** What an engine error means to the agent; `unknown` is retried like any other failure. */
export type EngineErrorKind =
  | 'notFound'
  | 'conflict'
  | 'notRunning'
  | 'imageMissing'
  | 'imageUnauthorized'
  | 'imageUnreachable'
  | 'diskFull'
  | 'badCommand'
  | 'portInUse'
  | 'deviceMissing'
  | 'unreachable'
  | 'timedOut'
  | 'unknown'

/** A call to the engine failed. `status` is 0 when no answer came. */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly kind: EngineErrorKind
  readonly status: number
  constructor(status: number, message: string, kind?: EngineErrorKind) {
    super(message)
    this.status = status
    this.kind = kind ?? kindOf(status, message)
  }
}

const patterns: readonly (readonly [RegExp, EngineErrorKind])[] = [
  [/is already in use by container|name .* (is )?already in use|is already in use/i, 'conflict'],
  [/port is already allocated|address already in use/i, 'portInUse'],
  [/no such file or directory.*device|gathering device information|error gathering device|stat \/dev\//i, 'deviceMissing'],
  [
    /executable file not found|exec format error|starting container process caused|unable to start container process|OCI runtime.*not found|permission denied: unknown/i,
    'badCommand',
  ],
  [/is not running|container .* is stopped|can only (kill|exec).*running|container state improper/i, 'notRunning'],
]

function kindOf(status: number, message: string): EngineErrorKind {
  for (const [pattern, kind] of patterns) if (pattern.test(message)) return kind
  if (status === 404) return 'notFound'
  if (status === 409) return 'conflict'
  return 'unknown'
}

const unauthorized =
  /unauthorized|authentication required|no basic auth credentials|denied: requested access|access denied|invalid username\/password|403 forbidden/i
const missing = /not found|manifest unknown|name unknown|repository does not exist|no such image|does not exist|invalid reference format/i
const unreachable =
  /no such host|connection refused|i\/o timeout|tls handshake|server gave HTTP response|network is unreachable|deadline exceeded|timeout|EOF|temporary failure|no route to host|x509/i

/** Pull failures come as 404, as 500 or inside a 200 stream, so only the text tells what happened. */
export function pullError(status: number, message: string): EngineError {
  if (/no space left on device|disk quota exceeded/i.test(message)) return new EngineError(status, message, 'diskFull')
  // Docker says "pull access denied …, repository does not exist or may require 'docker login'": both are possible, and
  // credentials are what an operator can change.
  if (unauthorized.test(message)) return new EngineError(status, message, 'imageUnauthorized')
  if (unreachable.test(message)) return new EngineError(status, message, 'imageUnreachable')
  if (status === 404 || missing.test(message)) return new EngineError(status, message, 'imageMissing')
  return new EngineError(status, message)
}

/** True when `error` is an engine error of one of the kinds. */
export function isEngineError(error: unknown, ...kinds: EngineErrorKind[]): error is EngineError {
  return error instanceof EngineError && (kinds.length === 0 || kinds.includes(error.kind))
}
