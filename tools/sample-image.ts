// Makes small images on the spot, without a registry and without a docker command: for `npm start`, tests and measurements.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { openEngine } from '../packages/agent/src/runtime/engine/client/connection.ts'
import { normalizeImageName } from '@littoral/contract/node/image-name'
import { loadImage } from '../packages/agent/src/runtime/engine/client/images.ts'
import { imageArchive, type ImageRecipe } from '../packages/agent/src/runtime/engine/image-archive.ts'
import type { TarEntry } from '../packages/agent/src/runtime/engine/tar.ts'

export interface SampleImage {
  /** Name of the image, such as `hello:1`. */
  tag: string
  /** What the web server on port 8080 answers at `/`. */
  body: string
}

/** An image with a web server on port 8080 (busybox httpd) that ends quickly on TERM. */
export async function makeSampleImage(socketPath: string, sample: SampleImage): Promise<void> {
  await makeImage(socketPath, {
    tags: [normalizeImageName(sample.tag)],
    files: [{ path: 'www/' }, { path: 'www/index.html', content: Buffer.from(sample.body) }, ...sampleFiles()],
    entrypoint: ['/bin/sh', '/serve'],
    env: ['PATH=/bin'],
  })
}

// As PID 1 the web server itself would ignore TERM, so a shell passes it on. `/cgi-bin/slow?3` answers after 3 seconds.
function sampleFiles(): TarEntry[] {
  const serve = 'httpd -f -p ${PORT:-8080} -h /www & pid=$!\ntrap "kill $pid; exit 0" TERM INT\necho serving on ${PORT:-8080}\nwait $pid\n'
  const slow = '#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n"\nsleep "${QUERY_STRING:-1}"\ncat /www/index.html\n'
  return [
    { path: 'serve', content: Buffer.from(serve), mode: 0o755 },
    { path: 'www/cgi-bin/' },
    { path: 'www/cgi-bin/slow', content: Buffer.from(slow), mode: 0o755 },
    ...busyboxFiles(),
  ]
}

/** busybox with the commands that samples and tests use. */
export function busyboxFiles(): TarEntry[] {
  const path = staticBusybox()
  const commands = [
    'sh',
    'cat',
    'echo',
    'sleep',
    'httpd',
    'nc',
    'test',
    'touch',
    'rm',
    'ls',
    'env',
    'date',
    'dd',
    'wget',
    'tr',
    'true',
    'false',
    'kill',
    'id',
    'mkdir',
  ]
  return [
    { path: 'bin/' },
    { path: 'bin/busybox', content: readFileSync(path), mode: 0o755 },
    ...commands.map((command) => ({ path: `bin/${command}`, linkTo: 'busybox' })),
    { path: 'tmp/', mode: 0o1777 },
    { path: 'etc/' },
    { path: 'dev/' },
  ]
}

function staticBusybox(): string {
  const path = ['/bin/busybox', '/usr/bin/busybox'].find((candidate) => existsSync(candidate) && isStatic(candidate))
  if (path !== undefined) return path
  const result = spawnSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'busybox-static'], {
    encoding: 'utf8',
    timeout: 120_000,
  })
  if (result.status === 0 && isStatic('/bin/busybox')) return '/bin/busybox'
  throw new Error(
    `a static busybox is needed for sample images (package busybox-static): ${(result.stderr ?? String(result.error)).trim()}`,
  )
}

/** A program with an interpreter segment (type 3) needs libraries that the image has not. */
function isStatic(path: string): boolean {
  const file = readFileSync(path)
  const [offset, entryBytes, count] = [Number(file.readBigUInt64LE(32)), file.readUInt16LE(54), file.readUInt16LE(56)]
  return Array.from({ length: count }, (_, index) => file.readUInt32LE(offset + index * entryBytes)).every((type) => type !== 3)
}

/** Loads an image of this machine's architecture into the engine. */
export async function makeImage(socketPath: string, recipe: Omit<ImageRecipe, 'architecture'>): Promise<void> {
  const engine = await openEngine({ socketPath })
  try {
    await loadImage(engine, imageArchive({ ...recipe, architecture: process.arch === 'arm64' ? 'arm64' : 'amd64' }))
  } finally {
    engine.close()
  }
}
