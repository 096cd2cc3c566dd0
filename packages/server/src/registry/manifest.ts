// Asks an image registry (the HTTP API v2 that all of them speak) which digest a tag stands for now. One HEAD, one more GET
// for the platforms of an index, one token where the registry wants one. Nothing is pulled.
import { createHash } from 'node:crypto'
import { RegistryRefusal, type ResolvedImage, type ResolveImage } from '../domain/image-pin.ts'
import { type Challenge, challengeOf } from './challenge.ts'

const indexTypes = ['application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json']
const manifestTypes = ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json']
const accept = [...indexTypes, ...manifestTypes].join(', ')
const timeoutMs = 3000
const mostBytes = 4 * 1024 * 1024

export interface RegistryOptions {
  /** Registries that are spoken to without TLS; those on the loopback always are. */
  readonly plainRegistries: readonly string[]
}

export function openRegistries({ plainRegistries }: RegistryOptions): ResolveImage {
  return async ({ host, repository, tag, credential }, signal) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    const address = host === 'docker.io' ? 'registry-1.docker.io' : host
    const scheme = isLoopback(host) || plainRegistries.includes(host) ? 'http' : 'https'
    const url = `${scheme}://${address}/v2/${repository}/manifests/${tag}`
    const ask = openAsk(credential, limit)
    const head = await ask(url, 'HEAD')
    const type = head.headers.get('content-type')?.split(';')[0] ?? ''
    const said = head.headers.get('docker-content-digest') ?? ''
    if (isDigest(said) && !indexTypes.includes(type)) return { digest: said, platforms: {} }
    return readIndex(await ask(isDigest(said) ? url.replace(/[^/]*$/, said) : url, 'GET'), said)
  }
}

type Ask = (url: string, method: 'HEAD' | 'GET') => Promise<Response>

/** Remembers for the second question what the registry wanted to see at the first. */
function openAsk(credential: { username: string; password: string } | undefined, signal: AbortSignal): Ask {
  let authorization: string | undefined
  const send = (url: string, method: 'HEAD' | 'GET') =>
    fetch(url, { method, signal, headers: { accept, ...(authorization && { authorization }) }, redirect: 'follow' })
  return async (url, method) => {
    let answer = await send(url, method)
    if (answer.status === 401) {
      // Also when something was shown already: a token may have run out since the question before.
      const shown = await authorizationFor(challengeOf(answer), credential, { url, signal })
      if (shown !== undefined && shown !== authorization) {
        await answer.body?.cancel()
        authorization = shown
        answer = await send(url, method)
      }
    }
    if (answer.ok) return answer
    await answer.body?.cancel()
    throw refusalOf(answer, { hasSecret: credential !== undefined, hasToken: authorization?.startsWith('Bearer ') === true })
  }
}

function refusalOf(answer: Response, { hasSecret, hasToken }: { hasSecret: boolean; hasToken: boolean }): RegistryRefusal {
  if (answer.status === 404) return new RegistryRefusal('the registry has no such tag')
  if (answer.status !== 401 && answer.status !== 403) return new RegistryRefusal(`the registry answers ${answer.status}`)
  if (hasToken && challengeOf(answer)?.fields.get('error') === 'invalid_token')
    return new RegistryRefusal('the registry does not accept the token that its own token server gives')
  return secretRefusal(hasSecret)
}

function secretRefusal(hasSecret: boolean): RegistryRefusal {
  return new RegistryRefusal(hasSecret ? 'the registry refuses the image secret' : 'the registry wants an image secret')
}

interface Asked {
  readonly url: string
  readonly signal: AbortSignal
}

/** Undefined where there is nothing to show. */
async function authorizationFor(
  challenge: Challenge | undefined,
  credential: { username: string; password: string } | undefined,
  asked: Asked,
): Promise<string | undefined> {
  const basic = credential && `Basic ${Buffer.from(`${credential.username}:${credential.password}`).toString('base64')}`
  if (challenge?.scheme === 'basic') return basic
  if (challenge?.scheme !== 'bearer') return undefined
  const answer = await fetch(tokenAddress(challenge, asked), { signal: asked.signal, ...(basic && { headers: { authorization: basic } }) })
  if (answer.ok) return `Bearer ${await readToken(answer)}`
  await answer.body?.cancel()
  if (answer.status === 401 || answer.status === 403) throw secretRefusal(basic !== undefined)
  throw new Error(`its token server answers ${answer.status}`)
}

function tokenAddress({ fields }: Challenge, asked: Asked): URL {
  const realm = fields.get('realm')
  if (realm === undefined || !URL.canParse(realm)) throw new RegistryRefusal('the registry does not say where its tokens come from')
  const url = new URL(realm)
  // A registry spoken to with TLS must not send a password elsewhere in the clear.
  const isAsSafe = url.protocol === 'https:' || (url.protocol === 'http:' && asked.url.startsWith('http:'))
  if (!isAsSafe) throw new RegistryRefusal('the registry wants its tokens fetched without TLS')
  const repository = /\/v2\/(.+)\/manifests\//.exec(new URL(asked.url).pathname)?.[1] ?? ''
  const wanted = { service: fields.get('service'), scope: fields.get('scope') ?? `repository:${repository}:pull` }
  for (const [name, value] of Object.entries(wanted)) if (value !== undefined) url.searchParams.set(name, value)
  return url
}

async function readToken(answer: Response): Promise<string> {
  const text = await readText(answer)
  try {
    const { token, access_token: accessToken } = JSON.parse(text) as { token?: unknown; access_token?: unknown }
    const found = token ?? accessToken
    if (typeof found === 'string' && /^[\x21-\x7e]+$/.test(found)) return found
  } catch {
    // Said below, without what was answered.
  }
  throw new RegistryRefusal('the token server of the registry gives no token')
}

async function readIndex(answer: Response, said: string): Promise<ResolvedImage> {
  const text = await readText(answer)
  const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`
  if (isDigest(said) && said !== digest) throw new RegistryRefusal('the registry answers with another manifest than its digest names')
  const { manifests = [] } = JSON.parse(text) as {
    manifests?: { digest?: unknown; platform?: { os?: unknown; architecture?: unknown; variant?: unknown } }[]
  }
  const named = manifests.slice(0, 100).flatMap(({ digest: of, platform }) => {
    const name = [platform?.os, platform?.architecture, platform?.variant].filter((part) => typeof part === 'string').join('/')
    return typeof of === 'string' && isDigest(of) && name !== '' ? [[name, of] as const] : []
  })
  return { digest, platforms: Object.fromEntries(named) }
}

async function readText(answer: Response): Promise<string> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of answer.body ?? []) {
    size += part.byteLength
    if (size > mostBytes) throw new RegistryRefusal('the registry answers with more than a manifest')
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

const isDigest = (text: string) => /^sha256:[0-9a-f]{64}$/.test(text)

function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/.test(host)
}
