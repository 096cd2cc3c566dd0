// Credentials for pulling, per registry: what `docker login` or `podman login` left on this machine.
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { registryOf } from '@littoral/contract/node/image-name'
import type { RegistryCredential } from './client/images.ts'

/** Read on every pull, so that a login takes effect at once. Undefined when the image's registry is not listed. */
export function credentialFor(image: string): RegistryCredential | undefined {
  const registry = registryOf(image)
  const names =
    registry === 'docker.io'
      ? ['https://index.docker.io/v1/', 'docker.io', 'index.docker.io']
      : [registry, `https://${registry}`, `http://${registry}`]
  for (const path of configPaths()) {
    const auths = readAuths(path)
    for (const name of names) {
      const credential = parseAuth(auths[name] ?? auths[`${name}/`])
      if (credential !== undefined) return credential
    }
  }
  return undefined
}

function configPaths(): string[] {
  const { DOCKER_CONFIG, REGISTRY_AUTH_FILE } = process.env
  const paths = [join(DOCKER_CONFIG ?? join(homedir(), '.docker'), 'config.json'), '/run/containers/0/auth.json']
  return REGISTRY_AUTH_FILE === undefined ? paths : [REGISTRY_AUTH_FILE, ...paths]
}

interface Auth {
  auth?: string
  username?: string
  password?: string
}

function readAuths(path: string): Record<string, Auth | undefined> {
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) as { auths?: Record<string, Auth> }).auths ?? {}
  } catch {
    return {}
  }
}

function parseAuth(auth: Auth | undefined): RegistryCredential | undefined {
  if (auth?.username !== undefined && auth.password !== undefined) return { username: auth.username, password: auth.password }
  if (auth?.auth === undefined || auth.auth === '') return undefined
  const text = Buffer.from(auth.auth, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1) }
}
