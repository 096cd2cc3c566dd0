// The data folder of the agent on a small disk of its own, which can be filled up and turned read-only, and whose files can be
// torn. Needs a mount namespace of its own, which run.ts makes.
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join, relative } from 'node:path'
import type { Random } from '../simulation/random.ts'

export interface Disk {
  readonly folder: string
  readonly isFull: boolean
  readonly isReadOnly: boolean
  fill(): void
  free(): void
  freeze(): void
  thaw(): void
  /** Damages one of the files that the agent keeps, as a power cut may; the copy beside it stays whole. Says what it did. */
  tear(random: Random): string
  close(): void
}

const kept =
  /^(desired|identity|owner|trials)\.json$|^process\/instances\/[^/.]+\/instance\.json$|^engine\/(notes\/.*\.json|[a-z-]+\.json)$/

export function openDisk(folder: string): Disk {
  mkdirSync(folder, { recursive: true })
  run('mount', '-t', 'tmpfs', '-o', 'size=64m,mode=700', 'tmpfs', folder)
  const ballast = join(folder, 'ballast')
  let isReadOnly = false
  return {
    folder,
    get isFull() {
      return existsSync(ballast)
    },
    get isReadOnly() {
      return isReadOnly
    },
    fill() {
      if (isReadOnly) return
      fillUp(ballast)
    },
    free() {
      if (!isReadOnly) rmSync(ballast, { force: true })
    },
    freeze() {
      if (isReadOnly) return
      // Mounted over itself: what is open stays writable, as after a fault of a card, everything new is refused.
      run('mount', '--bind', folder, folder)
      run('mount', '-o', 'remount,bind,ro', folder)
      isReadOnly = true
    },
    thaw() {
      // Not at once while a process of the node still stands in it.
      if (isReadOnly) run('mount', '-o', 'remount,bind,rw', folder)
      isReadOnly = false
    },
    tear: (random) => tear(folder, random),
    close() {
      while (spawnSync('umount', ['-l', folder]).status === 0);
    },
  }
}

function fillUp(path: string): void {
  const file = openSync(path, 'a')
  try {
    for (let size = 1 << 20; size >= 1; size >>= 4) for (; writeWhole(file, size););
  } finally {
    closeSync(file)
  }
}

function writeWhole(file: number, size: number): boolean {
  try {
    return writeSync(file, Buffer.alloc(size)) > 0
  } catch {
    return false
  }
}

function tear(folder: string, random: Random): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => kept.test(path))
    .toSorted()
  if (files.length === 0) return 'nothing to tear'
  const name: string = random.pick<string>(files)
  const path = join(folder, name)
  const size = statSync(path).size
  const how: 'cut' | 'zeros' | 'turned' = random.pick<'cut' | 'zeros' | 'turned'>(['cut', 'zeros', 'turned'])
  if (how === 'cut') truncateSync(path, random.between(0, Math.max(0, size - 1)))
  else if (how === 'zeros') writeFileSync(path, Buffer.alloc(size))
  else {
    const content = readFileSync(path)
    const at = random.between(0, Math.max(0, size - 1))
    content[at] = (content[at] ?? 0) ^ 0x15
    writeFileSync(path, content)
  }
  return `${name} (${how})`
}

function run(program: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`)
}
