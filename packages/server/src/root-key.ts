// The account's root access key: from the environment, else made at the first start and kept in the data folder, where
// `littoral --data` finds it. Called by server.ts.
import { promises as fs } from 'node:fs'
import { join } from 'node:path'
import type { Config } from './config.ts'
import type { Ids } from './operations/context.ts'
import * as credentials from './store/credentials.ts'
import type { SecretBox } from './store/secret-box.ts'
import { StartupError } from './store/startup-error.ts'
import type { Store } from './store/store.ts'

export interface RootKey {
  readonly accessKeyId: string
  readonly accessKeySecret: string
}

const fileName = 'root-key.json'

/** The configured key, else the one in the data folder, which is made when there is none. */
export async function ensureRootKey(config: Pick<Config, 'dataFolder' | 'rootKey'>, ids: Ids): Promise<RootKey> {
  if (config.rootKey) return config.rootKey
  const path = join(config.dataFolder, fileName)
  return (await readKey(path)) ?? (await createKey(path, ids))
}

/** Makes this key the only root key of the account. */
export async function storeRootKey(
  store: Store,
  box: SecretBox,
  { rootKey, accountId, nowMs }: { rootKey: RootKey; accountId: string; nowMs: number },
): Promise<void> {
  const known = await store.read((tx) => credentials.list(tx, box, accountId))
  const others = known.filter((credential) => credential.kind === 'root' && credential.id !== rootKey.accessKeyId)
  const isStored = known.some(({ id, secret, isActive }) => id === rootKey.accessKeyId && secret === rootKey.accessKeySecret && isActive)
  if (isStored && others.length === 0) return
  await store.write(async (tx) => {
    for (const other of others) credentials.remove(tx, other.id)
    const { accessKeyId: id, accessKeySecret: secret } = rootKey
    credentials.upsert(tx, box, { id, secret, accountId, kind: 'root', isActive: true, createdAtMs: nowMs })
  })
}

async function readKey(path: string): Promise<RootKey | undefined> {
  try {
    const { accessKeyId, accessKeySecret } = JSON.parse(await fs.readFile(path, 'utf8')) as Partial<RootKey>
    if (accessKeyId && accessKeySecret) return { accessKeyId, accessKeySecret }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    if (code !== undefined) throw new StartupError(`The key file ${path} cannot be read (${code}).`, { cause: error })
  }
  throw new StartupError(`The key file ${path} is damaged; restore it, or remove it to have a new key made.`)
}

async function createKey(path: string, ids: Ids): Promise<RootKey> {
  const key = { accessKeyId: `LTAI${ids.letters(20)}`, accessKeySecret: ids.letters(30) }
  const draft = `${path}.${process.pid}`
  await fs.writeFile(draft, `${JSON.stringify(key, null, 2)}\n`, { mode: 0o600, flush: true })
  await fs.rename(draft, path)
  return key
}
