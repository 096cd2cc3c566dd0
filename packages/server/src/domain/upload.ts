// The rules for what may be uploaded under which name. The name becomes the last segment of an object's key, and later
// a file in the folder of a driver.
import { invalidParam } from './invalid-param.ts'

interface Upload {
  readonly type: string
  readonly version: string
  readonly fileName: string
}

/** The file name; throws iot.common.InvalidParam. */
export function parseUpload({ type, version, fileName }: Upload): string {
  // As a segment of an address these two would be folded away by every client.
  if (version === '.' || version === '..') throw invalidParam('ResourceVersion', 'must not consist of periods.')
  // oxlint-disable-next-line no-control-regex
  if (/[/\\\u0000-\u001f\u007f]/.test(fileName)) throw invalidParam('FileName', 'must not hold folders or control characters.')
  if (!/^.+\.[A-Za-z0-9]+$/.test(fileName)) throw invalidParam('FileName', 'must have a name and an extension, such as driver.zip.')
  if (type === 'DRIVER_VERSION_CONTENT' && !/\.zip$/i.test(fileName)) throw invalidParam('FileName', 'must end in .zip for driver code.')
  return fileName
}
