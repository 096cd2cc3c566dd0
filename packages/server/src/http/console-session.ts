// Sessions of the status page: whoever shows an access key once gets a cookie for some hours. Kept in memory, so a restart
// ends them. Used by console.ts.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Principal } from '../operations/context.ts'
import type { Credentials } from './authenticate.ts'

const lifetimeMs = 8 * 3600 * 1000
const mostSessions = 1000
/** Failed attempts per minute, from one address and from all together. */
const mostFailures = { address: 10, all: 100 } as const
const minuteMs = 60_000
const cookieName = 'littoral_session'

interface Session {
  readonly principal: Principal
  readonly expiresAtMs: number
}

export type SignIn = { readonly kind: 'in'; readonly cookie: string } | { readonly kind: 'wrong' } | { readonly kind: 'tooMany' }

export interface ConsoleSessions {
  signIn(key: { accessKeyId: string; secret: string; address: string; isEncrypted: boolean }): Promise<SignIn>
  find(cookies: string | undefined): Promise<Principal | undefined>
  /** Ends the session; returns the header that takes the cookie away. */
  signOut(cookies: string | undefined): string
}

export function createSessions(credentials: Credentials, now: () => number): ConsoleSessions {
  const sessions = new Map<string, Session>()
  const failures = createFailureCount(now)
  return {
    async signIn({ accessKeyId, secret, address, isEncrypted }) {
      if (failures.isTooMany(address)) return { kind: 'tooMany' }
      const credential = await credentials.find(accessKeyId)
      // The comparison runs for unknown keys too, so that its time does not tell which ids exist.
      const isRight = isSame(credential?.secret ?? '', secret) && credential?.isActive === true && credential.securityToken === undefined
      if (!isRight || credential === undefined) {
        failures.add(address)
        return { kind: 'wrong' }
      }
      const id = randomBytes(24).toString('base64url')
      const principal = { accountId: credential.accountId, accessKeyId, kind: credential.kind }
      forgetOld(sessions, now())
      sessions.set(id, { principal, expiresAtMs: now() + lifetimeMs })
      return { kind: 'in', cookie: cookie(id, lifetimeMs / 1000, isEncrypted) }
    },
    async find(cookies) {
      const id = readCookie(cookies)
      const session = id === undefined ? undefined : sessions.get(id)
      if (id === undefined || session === undefined) return undefined
      // A key that was taken away ends its sessions too.
      const credential = await credentials.find(session.principal.accessKeyId)
      if (session.expiresAtMs > now() && credential?.isActive === true) return session.principal
      sessions.delete(id)
      return undefined
    },
    signOut(cookies) {
      sessions.delete(readCookie(cookies) ?? '')
      return cookie('', 0, false)
    },
  }
}

function forgetOld(sessions: Map<string, Session>, nowMs: number): void {
  for (const [id, session] of sessions) {
    if (session.expiresAtMs <= nowMs || sessions.size >= mostSessions) sessions.delete(id)
  }
}

function createFailureCount(now: () => number) {
  let beganAtMs = 0
  let all = 0
  let byAddress = new Map<string, number>()
  const startAnew = () => {
    if (now() - beganAtMs < minuteMs) return
    beganAtMs = now()
    all = 0
    byAddress = new Map()
  }
  return {
    isTooMany(address: string): boolean {
      startAnew()
      return all >= mostFailures.all || (byAddress.get(address) ?? 0) >= mostFailures.address
    },
    add(address: string): void {
      all++
      byAddress.set(address, (byAddress.get(address) ?? 0) + 1)
    },
  }
}

function isSame(left: string, right: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(left), digest(right))
}

function cookie(id: string, seconds: number, isEncrypted: boolean): string {
  return `${cookieName}=${id}; Path=/console; Max-Age=${seconds}; HttpOnly; SameSite=Strict${isEncrypted ? '; Secure' : ''}`
}

function readCookie(cookies: string | undefined): string | undefined {
  return new RegExp(`(?:^|;\\s*)${cookieName}=([\\w-]{32})(?:;|$)`).exec(cookies ?? '')?.[1]
}
