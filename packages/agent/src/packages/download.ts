// Brings one object of known size and digest onto the disk, and continues where an earlier attempt was cut off.
import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { hasCode, syncFolder } from '../files.ts'
import type { OpenObject } from '../objects.ts'
import { type OnProgress, StepError } from '../runtime/runtime.ts'

export interface Download {
  /** What it is called in the report. */
  readonly subject: string
  readonly path: string
  readonly sha256: string
  readonly sizeBytes: number
  readonly target: string
  /** It is used at once and then thrown away: it need not be on the disk, and one that lies there is not trusted by its size. */
  readonly isPassing?: boolean
}

/** Resolves when `target` holds exactly these bytes; until then only `target.part` exists. */
export async function download(what: Download, openObject: OpenObject, signal: AbortSignal, onProgress: OnProgress): Promise<void> {
  if (await isComplete(what)) return
  await mkdir(dirname(what.target), { recursive: true, mode: 0o700 })
  const part = `${what.target}.part`
  if (what.sizeBytes === 0) await writeFile(part, '')
  const kept = await hashPart(part, what.sizeBytes)
  const hash = kept.sizeBytes < what.sizeBytes ? await receive(what, part, { openObject, signal, onProgress, kept }) : kept.hash
  const sha256 = hash.digest('hex')
  if (sha256 !== what.sha256) {
    await rm(part, { force: true })
    throw wrongDigest(what, sha256)
  }
  await rename(part, what.target)
  if (what.isPassing !== true) await syncFolder(dirname(what.target))
}

/** The same for a small object that is used at once: in memory, so there is nothing to continue from. */
export async function fetchWhole(what: Named, openObject: OpenObject, signal: AbortSignal): Promise<Buffer> {
  const { body } = await openObject(what.path, 0, signal)
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  try {
    for await (const chunk of body) {
      sizeBytes += chunk.byteLength
      if (sizeBytes > what.sizeBytes) break
      chunks.push(chunk)
    }
  } catch (error) {
    if (signal.aborted || error instanceof StepError) throw error
    throw cutOff(what, sizeBytes, error)
  } finally {
    body.destroy()
  }
  if (sizeBytes < what.sizeBytes) throw endedEarly(what, sizeBytes)
  if (sizeBytes > what.sizeBytes) throw tooMany(what)
  const bytes = Buffer.concat(chunks)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  if (sha256 !== what.sha256) throw wrongDigest(what, sha256)
  return bytes
}

type Named = Pick<Download, 'path' | 'sha256' | 'sizeBytes'>

function cutOff({ path, sizeBytes: totalBytes }: Named, sizeBytes: number, cause: unknown): StepError {
  return new StepError('DownloadFailed', `${path}: cut off after ${sizeBytes} of ${totalBytes} bytes`, { cause })
}

function endedEarly({ path, sizeBytes: totalBytes }: Named, sizeBytes: number): StepError {
  return new StepError('DownloadFailed', `${path}: ended after ${sizeBytes} of ${totalBytes} bytes`)
}

function tooMany({ path, sizeBytes }: Named): StepError {
  return new StepError('DownloadCorrupt', `${path}: more than the ${sizeBytes} bytes that were announced`)
}

function wrongDigest({ path, sha256 }: Named, found: string): StepError {
  return new StepError('DownloadCorrupt', `${path}: the bytes have the digest ${found}, not ${sha256}`)
}

function told({ subject, sizeBytes: totalBytes }: Download, doneBytes: number): Parameters<OnProgress> {
  const progress = { subject: subject.slice(0, 128), doneBytes, totalBytes }
  return [`downloading ${progress.subject}: ${doneBytes} of ${totalBytes} bytes`, progress]
}

interface Kept {
  readonly sizeBytes: number
  readonly hash: Hash
}

interface Receiving {
  readonly openObject: OpenObject
  readonly signal: AbortSignal
  readonly onProgress: OnProgress
  readonly kept: Kept
}

async function receive(what: Download, part: string, { openObject, signal, onProgress, kept }: Receiving): Promise<Hash> {
  const { fromByte, body } = await openObject(what.path, kept.sizeBytes, signal)
  const hash = fromByte === kept.sizeBytes ? kept.hash : createHash('sha256')
  const file = await open(part, fromByte === 0 ? 'w' : 'a', 0o600)
  let sizeBytes = fromByte
  try {
    for await (const chunk of body) {
      sizeBytes += chunk.byteLength
      if (sizeBytes > what.sizeBytes) break
      hash.update(chunk)
      await file.writeFile(chunk)
      onProgress(...told(what, sizeBytes))
    }
    if (what.isPassing !== true) await file.sync()
  } catch (error) {
    if (signal.aborted || error instanceof StepError) throw error
    if (hasCode(error, 'ENOSPC')) throw new StepError('DiskFull', 'no space is left on the disk for the download', { cause: error })
    throw cutOff(what, sizeBytes, error)
  } finally {
    body.destroy()
    await file.close()
  }
  if (sizeBytes === what.sizeBytes) return hash
  if (sizeBytes < what.sizeBytes) throw endedEarly(what, sizeBytes)
  await rm(part, { force: true })
  throw tooMany(what)
}

async function hashPart(part: string, sizeBytes: number): Promise<Kept> {
  const hash = createHash('sha256')
  const present = await sizeOf(part)
  if (present === undefined || present > sizeBytes) {
    await rm(part, { force: true })
    return { sizeBytes: 0, hash }
  }
  for await (const chunk of createReadStream(part)) hash.update(chunk as Uint8Array)
  return { sizeBytes: present, hash }
}

async function isComplete({ target, sizeBytes, sha256, isPassing = false }: Download): Promise<boolean> {
  if (isPassing) return (await sizeOf(target)) === sizeBytes && (await hashPart(target, sizeBytes)).hash.digest('hex') === sha256
  // The name was given after the digest had been compared.
  return (await sizeOf(target)) === sizeBytes
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}
