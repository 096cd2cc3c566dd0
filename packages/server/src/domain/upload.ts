// The rules for what may be uploaded under which name. The name becomes the last segment of an object's key, and later
// a file in the folder of a driver.
import { invalidParam } from './invalid-param.ts'
import { byteLength } from './text.ts'

interface Upload {
  readonly type: string
  readonly version: string
  readonly fileName: string
}

/** File systems count bytes, 255 of them, and a channel's file has the channel's id before its name. */
const maxNameBytes = 200

/** The file name; throws iot.common.InvalidParam. */
export function parseUpload({ type, version, fileName }: Upload): string {
  // As a segment of an address these two would be folded away by every client.
  if (version === '.' || version === '..') throw invalidParam('ResourceVersion', 'must not consist of periods.')
  // oxlint-disable-next-line no-control-regex
  if (/[/\\\u0000-\u001f\u007f]/.test(fileName)) throw invalidParam('FileName', 'must not hold folders or control characters.')
  if (!/^.+\.[A-Za-z0-9]+$/.test(fileName)) throw invalidParam('FileName', 'must have a name and an extension, such as driver.zip.')
  if (type === 'DRIVER_VERSION_CONTENT' && !/\.zip$/i.test(fileName)) throw invalidParam('FileName', 'must end in .zip for driver code.')
  if (type !== 'DRIVER_VERSION_CONTENT' && byteLength(fileName) > maxNameBytes)
    throw invalidParam('FileName', `is longer than ${maxNameBytes} bytes.`)
  return fileName
}

/** What stands in a driver's folder already: what it is started from, and what the gateway hands it. */
const taken = /^(driver_config\.json|index\.(js|py)|main\.jar|package\.json)$/i

/**
 * The name that a configuration file has in the folder of its driver: the one it was uploaded with, except where it would take
 * the place of something else. Drivers read the name in `fileList`.
 */
export function fileNameOf(key: string): string {
  const name = key.slice(key.lastIndexOf('/') + 1)
  return taken.test(name) ? `file-${name}` : name
}
