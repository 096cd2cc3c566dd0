// Where an installation keeps the bytes of its objects, as the operator writes it: nothing for the data folder, or
// s3://bucket/prefix?endpoint=https://…&region=…&style=path. Read by config.ts.

export interface S3Location {
  readonly bucket: string
  /** Empty, or ending in a slash. */
  readonly prefix: string
  /** scheme://host:port */
  readonly endpoint: string
  readonly region: string
  /** Whether the bucket stands in the path or in the host name of requests. */
  readonly style: 'path' | 'host'
}

const example = 's3://bucket/prefix?endpoint=https://s3.example.com&region=us-east-1'

/** Throws an Error that says what a right value looks like. */
export function parseObjectLocation(text: string): S3Location {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 's3:') throw new Error(`must be such as ${example}, not ${text}`)
  if (url.username !== '' || url.password !== '' || url.port !== '' || url.hash !== '') {
    throw new Error('must hold neither a user nor a port nor a fragment; the key has variables of its own')
  }
  const unknown = [...url.searchParams.keys()].find((name) => !['endpoint', 'region', 'style'].includes(name))
  if (unknown !== undefined) throw new Error(`has a parameter that means nothing: ${unknown}`)
  const region = url.searchParams.get('region') ?? 'us-east-1'
  if (!/^[\w-]{1,64}$/.test(region)) throw new Error('has a region that is no word such as us-east-1')
  const style = url.searchParams.get('style') ?? 'path'
  if (style !== 'path' && style !== 'host') throw new Error('has a style other than path and host')
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(url.hostname))
    throw new Error('needs the name of a bucket of 3 to 63 small letters, digits, dots and hyphens')
  return {
    bucket: url.hostname,
    prefix: parsePrefix(url.pathname),
    endpoint: parseEndpoint(url.searchParams.get('endpoint'), region),
    region,
    style,
  }
}

function parsePrefix(pathname: string): string {
  const parts = pathname.split('/').filter((part) => part !== '')
  if (!parts.every((part) => /^[\w.-]{1,64}$/.test(part) && !/^\.+$/.test(part)) || parts.length > 8) {
    throw new Error('has a prefix that is not made of letters, digits, dots, hyphens, underscores and slashes')
  }
  return parts.map((part) => `${part}/`).join('')
}

function parseEndpoint(text: string | null, region: string): string {
  if (text === null) return `https://s3.${region}.amazonaws.com`
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isPlain = url !== undefined && url.pathname === '/' && url.search === '' && url.hash === '' && url.username === ''
  if (!isPlain || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new Error('has an endpoint that is no http or https address without path, such as https://s3.example.com')
  return url.origin
}
