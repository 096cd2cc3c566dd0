// A sink that is a file on the node: lines of JSON, one record each. It is bounded: a full file makes room for a new one and a
// few older ones are kept beside it. Opened for every batch, so that a tool that moves it away is obeyed at once.
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { makeFolder } from '../files.ts'
import { ndjson } from './ndjson.ts'
import type { Batch } from './records.ts'
import type { Delivery, Sink, SinkOptions } from './sink.ts'

/** `path` and `path.1` … `path.3`, each of at most this size. */
const mostFileBytes = 64 * 1024 * 1024
const olderFiles = 3

export function openFileSink(path: string, { node }: Pick<SinkOptions, 'node'>, mostBytes = mostFileBytes): Sink {
  return {
    async deliver(batch: Batch): Promise<Delivery> {
      try {
        await append(path, Buffer.from(ndjson(batch, node)), mostBytes)
        return { kind: 'taken', refused: 0 }
      } catch (error) {
        return { kind: 'later', reason: error instanceof Error ? error.message : String(error) }
      }
    },
  }
}

async function append(path: string, content: Buffer, mostBytes: number): Promise<void> {
  await makeFolder(dirname(path), 0o750)
  const file = await open(path, 'a', 0o640)
  let isFull: boolean
  try {
    const { size } = await file.stat()
    try {
      await file.writeFile(content)
      await file.datasync()
    } catch (error) {
      // Half a batch would be there twice when it is sent again.
      await file.truncate(size).catch(() => {})
      throw error
    }
    isFull = size + content.length >= mostBytes
  } finally {
    await file.close()
  }
  if (isFull) await turn(path)
}

async function turn(path: string): Promise<void> {
  await rm(`${path}.${olderFiles}`, { force: true })
  for (let age = olderFiles - 1; age >= 1; age--) await rename(`${path}.${age}`, `${path}.${age + 1}`).catch(() => {})
  await rename(path, `${path}.1`)
}
