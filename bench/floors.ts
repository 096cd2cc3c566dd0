// What the disk alone can do: flushes a second of a file that is overwritten in place, and what a commit appends.
import { closeSync, fdatasyncSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const blockBytes = 12 * 1024
const blocks = 400

/** Flushes a second after writing 12 KB, about what one small commit writes. */
export function rawFlushes(countMs: number): number {
  const folder = mkdtempSync(join(tmpdir(), 'littoral-floor-'))
  const file = openSync(join(folder, 'raw'), 'w')
  const block = Buffer.alloc(blockBytes, 1)
  for (let index = 0; index < blocks; index += 1) writeSync(file, block, 0, blockBytes, index * blockBytes)
  fsyncSync(file)
  let count = 0
  const startedAt = performance.now()
  for (; performance.now() - startedAt < countMs; count += 1) {
    writeSync(file, block, 0, blockBytes, (count % blocks) * blockBytes)
    fdatasyncSync(file)
  }
  const tookMs = performance.now() - startedAt
  closeSync(file)
  rmSync(folder, { recursive: true, force: true })
  return (count / tookMs) * 1000
}
