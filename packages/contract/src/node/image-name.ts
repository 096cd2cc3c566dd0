// Names of images and the registry each comes from. Used by nodes, which pull, and by the server, which hands out what a
// registry asks for: both must read a name alike.

/**
 * The full name of an image: `nginx` → `docker.io/library/nginx:latest`. Engines and their logs shorten names
 * differently, and Podman refuses short ones, so every name is made full before it is used.
 */
export function normalizeImageName(name: string): string {
  const trimmed = name.trim()
  const slash = trimmed.indexOf('/')
  const first = slash < 0 ? '' : trimmed.slice(0, slash)
  const hasRegistry = first.includes('.') || first.includes(':') || first === 'localhost'
  const registry = hasRegistry ? first : 'docker.io'
  let rest = hasRegistry ? trimmed.slice(slash + 1) : trimmed
  if ((registry === 'docker.io' || registry === 'index.docker.io') && !rest.includes('/')) rest = `library/${rest}`
  const hasTag = rest.includes('@') || rest.slice(rest.lastIndexOf('/') + 1).includes(':')
  return `${registry === 'index.docker.io' ? 'docker.io' : registry}/${rest}${hasTag ? '' : ':latest'}`
}

/** The registry an image comes from; credentials are kept per registry. */
export function registryOf(name: string): string {
  const full = normalizeImageName(name)
  return full.slice(0, full.indexOf('/'))
}
