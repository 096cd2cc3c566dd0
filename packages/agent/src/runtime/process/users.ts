// A user of its own for every driver, so that none reads what belongs to another, or to the agent. Users are bare numbers
// from a range that nothing else on a usual system has; which driver has which is kept, because its files belong to it.
// Only root can start programs as somebody else; `openUsers` says so where it is not possible. Used by index.ts.
import { execFile } from 'node:child_process'
import { chmodSync, lchownSync, lstatSync, readdirSync } from 'node:fs'
import { chmod, lchown, lstat, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { hasCode, oneAfterAnother, readIfPresent, writeAtomically } from '../../files.ts'
import { StepError } from '../runtime.ts'
import { asUser, setprivProgram } from './launch.ts'

/** `own`: where that is possible · `agent`: all as the agent's own user · a range: own users out of it, or nothing is started. */
export type DriverUser = 'own' | 'agent' | { readonly first: number; readonly last: number }

export interface Users {
  /** The user of a driver, the same for ever; throws StepError UserMissing when the range is used up. */
  of(key: string): Promise<number>
  /** A user who may do no more than any driver. */
  readonly anybody: number
  /** Groups every driver is in besides its own: those that devices belong to. */
  readonly groups: readonly number[]
  /** Gives back the users of all other drivers. */
  keepOnly(keys: ReadonlySet<string>): Promise<void>
}

export type UsersOrWhy = Users | { readonly impossible: string }

/** Below the numbers that systemd gives away, above those that distributions do. */
const usualRange = { first: 61_000, last: 61_183 }

/** Who may open serial lines, buses and pins on usual systems; a group that is not there is left out. */
const deviceGroups = ['dialout', 'uucp', 'i2c', 'spi', 'gpio', 'plugdev']

export interface UsersOptions {
  /** Where it is kept who is who. */
  readonly file: string
  readonly range: DriverUser
  /** The folder with the drivers' own folders, and the folder above it up to which the way is the agent's. */
  readonly instancesFolder: string
  readonly home: string
  /** Where the agents of this machine tell each other which users they have taken; default: `claimsFolder`. */
  readonly claims?: string
  /** A program that every driver's user must be able to run. */
  readonly program: string
}

export async function openUsers(options: UsersOptions): Promise<UsersOrWhy> {
  const { file, range, program, instancesFolder } = options
  if (range === 'agent') return { impossible: 'it is configured so' }
  if (process.getuid?.() !== 0) return { impossible: 'the agent does not run as root' }
  const { first, last } = range === 'own' ? usualRange : range
  await openWay(instancesFolder, options.home)
  const why = await whyNot(first, program, instancesFolder)
  if (why !== undefined) return { impossible: why }
  const claims = options.claims ?? claimsFolder
  const unclaimed = await mkdir(claims, { recursive: true, mode: 0o755 }).then(
    () => undefined,
    (error: Error) => error.message,
  )
  if (unclaimed !== undefined) return { impossible: unclaimed }
  const groups = parseGroups(await readIfPresent('/etc/group'))
  return { anybody: first, groups, ...(await openAssignments({ file, claims, owner: instancesFolder, first, last })) }
}

interface Assigning {
  readonly file: string
  readonly claims: string
  readonly owner: string
  readonly first: number
  readonly last: number
}

async function openAssignments({ file, claims, owner, first, last }: Assigning): Promise<Pick<Users, 'of' | 'keepOnly'>> {
  const known = parseUsers(await readIfPresent(file))
  const save = together(() => writeAtomically(file, JSON.stringify(Object.fromEntries(known))))
  const ours = openClaims(claims, owner)
  const assign = async (key: string) => {
    const kept = known.get(key)
    if (kept !== undefined && kept >= first && kept <= last && (await ours.claim(kept))) return { uid: kept, isNew: false }
    known.delete(key)
    const taken = new Set(known.values())
    for (let uid = first; uid <= last; uid++) {
      if (taken.has(uid) || !(await ours.claim(uid))) continue
      known.set(key, uid)
      return { uid, isNew: true }
    }
    throw new StepError('UserMissing', `all users from ${first} to ${last} have a driver`, { isStalled: true })
  }
  // Drivers that start together must not find the same number free.
  const inTurn = oneAfterAnother()
  return {
    async of(key) {
      const { uid, isNew } = await inTurn(() => assign(key))
      if (isNew) await save()
      return uid
    },
    keepOnly: (keys) =>
      inTurn(async () => {
        const gone = [...known].filter(([key]) => !keys.has(key))
        for (const [key, uid] of gone) {
          await ours.release(uid)
          known.delete(key)
        }
        if (gone.length > 0) await save()
      }),
  }
}

/** A claim is ours for as long as this agent runs: others take one only when the folder it names is gone. */
function openClaims(folder: string, owner: string) {
  const claimed = new Set<number>()
  return {
    async claim(uid: number): Promise<boolean> {
      if (!claimed.has(uid) && (await claimUser(join(folder, String(uid)), owner))) claimed.add(uid)
      return claimed.has(uid)
    },
    async release(uid: number): Promise<void> {
      await rm(join(folder, String(uid)), { force: true })
      claimed.delete(uid)
    },
  }
}

/** Work that takes in all that was asked for before it begins: who asks while it goes on shares the next one with the others. */
function together(work: () => Promise<void>): () => Promise<void> {
  let current: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined
  return () => {
    next ??= current.then(() => {
      next = undefined
      const done = work()
      current = done.catch(() => {})
      return done
    })
    return next
  }
}

/** Not kept over a restart of the machine: then every agent claims again what it has. */
const claimsFolder = '/run/littoral/driver-users'

/** Two agents must not give one user to two drivers. A claim of an agent whose folder is gone counts for nothing. */
async function claimUser(file: string, owner: string): Promise<boolean> {
  for (let left = 2; left > 0; left--) {
    try {
      await writeFile(file, owner, { flag: 'wx', mode: 0o600 })
      return true
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error
    }
    const holder = (await readIfPresent(file)) ?? ''
    if (holder === owner) return true
    // An empty one is just being written.
    if (holder === '' || (await exists(holder))) return false
    await rm(file, { force: true })
  }
  return false
}

/** Lets others through to the instances, but not look around: everything beside the way is closed by its own mode. */
async function openWay(instancesFolder: string, home: string): Promise<void> {
  for (let folder = instancesFolder; ; folder = dirname(folder)) {
    // Not done again: an agent that starts again on a disk that can only be read goes on with what it has.
    if (((await stat(folder)).mode & 0o777) !== 0o711) await chmod(folder, 0o711)
    const isWithin = folder !== home && relative(home, folder).split(sep)[0] !== '..'
    if (!isWithin || folder === dirname(folder)) return
  }
}

/** Tries it out: the programs may be missing, or lie where only root may go. */
async function whyNot(uid: number, program: string, folder: string): Promise<string | undefined> {
  if (!(await exists(setprivProgram))) return `${setprivProgram} is missing, which is a part of util-linux`
  const script = 'cd "$1" || exit 3; "$2" --version >/dev/null || exit 4'
  const [launcher = '', ...args] = asUser(['/bin/sh', '-c', script, 'sh', folder, program], { uid, groups: [] })
  const outcome = await new Promise<{ code?: unknown; stderr: string }>((resolve) => {
    execFile(launcher, args, { timeout: 10_000, cwd: '/' }, (error, _stdout, stderr) => resolve({ code: error?.code ?? undefined, stderr }))
  })
  if (outcome.code === undefined) return undefined
  if (outcome.code === 3) return `a folder on the way to ${folder} is closed to others`
  if (outcome.code === 4) return `${program} cannot be run by others`
  return outcome.stderr.trim().split('\n')[0]?.slice(0, 200) || `${setprivProgram} failed`
}

function parseUsers(text: string | undefined): Map<string, number> {
  try {
    const parsed = JSON.parse(text ?? '{}') as Record<string, unknown>
    return new Map(Object.entries(parsed).filter((entry): entry is [string, number] => Number.isInteger(entry[1])))
  } catch {
    return new Map()
  }
}

function parseGroups(text: string | undefined): number[] {
  const lines = (text ?? '').split('\n').map((line) => line.split(':'))
  return lines.flatMap(([name = '', , gid]) => (deviceGroups.includes(name) && /^\d+$/.test(gid ?? '') ? [Number(gid)] : []))
}

/**
 * Hands a folder with everything in it to a user, and closes it to others; nothing of the driver runs meanwhile. Links are
 * handed over, not what they lead to, and a file with several names stays whose it is: one of them may be elsewhere.
 */
export async function handOver(folder: string, uid: number): Promise<void> {
  const top = lstatSync(folder)
  if (top.uid === uid && (top.mode & 0o777) === 0o700) return
  await handOverContent(folder, uid)
  // A new folder is empty, and a driver waits for this: a turn of a thread takes longer than the call.
  lchownSync(folder, uid, uid)
  chmodSync(folder, 0o700)
}

async function handOverContent(folder: string, uid: number): Promise<void> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await handOverContent(path, uid)
    else if ((await lstat(path)).nlink > 1) continue
    await lchown(path, uid, uid)
  }
}

/** Every process of a user; none where the system has no /proc. */
export async function processesOf(uid: number): Promise<number[]> {
  const names = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  const found: number[] = []
  for (const name of names) {
    const status = await readFile(`/proc/${name}/status`, 'utf8').catch(() => '')
    // What has ended and waits to be noticed by its parent counts as gone.
    const isLive = !/^State:\tZ/m.test(status)
    if (isLive && /^Uid:\t(\d+)/m.exec(status)?.[1] === String(uid)) found.push(Number(name))
  }
  return found
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
