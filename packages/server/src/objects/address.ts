// Addresses of the object store: /oss/<bucket>/<key…> under whatever name the server is reached by. Also where clients of
// the vendor's store put bucket and key: in the first label of Host, or as the first segment of the path.
export const bucket = 'littoral-edge'
export const pathPrefix = `/oss/${bucket}/`
const plainPrefix = `/${bucket}/`
const maxKeyBytes = 1023

export function toAddress(origin: string, key: string): string {
  return `${origin}${pathPrefix}${key.split('/').map(encodeURIComponent).join('/')}`
}

/** The key of a plain address of ours, whatever its host; undefined for signed ones and for anything else. */
export function keyOfAddress(address: string): string | undefined {
  if (!URL.canParse(address)) return undefined
  const { protocol, pathname, search, hash, username } = new URL(address)
  const isPlain = (protocol === 'http:' || protocol === 'https:') && search === '' && hash === '' && username === ''
  return isPlain && pathname.startsWith(pathPrefix) ? decodeKey(pathname.slice(pathPrefix.length)) : undefined
}

/** The key a request is about; `path` is raw, `host` what the client believes to talk to. Undefined for another bucket. */
export function keyOfRequest(path: string, host: string): string | undefined {
  if (path.startsWith(pathPrefix)) return decodeKey(path.slice(pathPrefix.length))
  // Given an address by number some clients put the bucket into the path; told to keep it there, others name it in Host as well.
  if (path.startsWith(plainPrefix)) return decodeKey(path.slice(plainPrefix.length))
  return host.split('.')[0] === bucket ? decodeKey(path.slice(1)) : undefined
}

/** Whether a request is about the bucket itself, which is where forms are posted to. */
export function isBucketRequest(path: string, host: string): boolean {
  return [pathPrefix, plainPrefix].includes(path.endsWith('/') ? path : `${path}/`) || (path === '/' && host.split('.')[0] === bucket)
}

export function isKey(key: string): boolean {
  return key !== '' && !key.includes('\0') && Buffer.byteLength(key) <= maxKeyBytes
}

/** Undefined for what no object can be called. */
function decodeKey(encoded: string): string | undefined {
  try {
    const key = decodeURIComponent(encoded)
    return isKey(key) ? key : undefined
  } catch {
    return undefined
  }
}
