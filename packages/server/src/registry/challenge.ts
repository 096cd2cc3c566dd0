// What a registry wants to see, out of the WWW-Authenticate header of its refusal (RFC 9110 §11.6.1). A header may offer several
// ways; a token is preferred to a password.

export interface Challenge {
  readonly scheme: 'basic' | 'bearer'
  /** By their names in lower case. */
  readonly fields: ReadonlyMap<string, string>
}

export function challengeOf(answer: Pick<Response, 'headers'>): Challenge | undefined {
  const challenges = parseChallenges((answer.headers.get('www-authenticate') ?? '').slice(0, 8192))
  return challenges.find(({ scheme }) => scheme === 'bearer') ?? challenges.find(({ scheme }) => scheme === 'basic')
}

/** `name=value` or `name="value"`, else a word that begins the next challenge. */
const part = /([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?/g

function parseChallenges(header: string): Challenge[] {
  const found: { scheme: string; fields: Map<string, string> }[] = []
  for (const [, word = '', quoted, plain] of header.matchAll(part)) {
    const value = quoted?.replace(/\\(.)/g, '$1') ?? plain
    if (value === undefined) found.push({ scheme: word.toLowerCase(), fields: new Map() })
    else found.at(-1)?.fields.set(word.toLowerCase(), value)
  }
  return found.filter((challenge): challenge is { scheme: Challenge['scheme']; fields: Map<string, string> } =>
    ['basic', 'bearer'].includes(challenge.scheme),
  )
}
