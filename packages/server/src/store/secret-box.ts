// Seals secrets that must be readable again, such as access key secrets (a signature check needs the plain text), so
// that a copy of the database alone does not give them away. The key is a file beside the database.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { promises as fs } from 'node:fs'
import path from 'node:path'
import { StartupError } from './startup-error.ts'

export interface SecretBox {
  /** `purpose` must be the same when opening; a sealed text cannot be moved to another row. */
  seal(plain: string, purpose: string): string
  /** Throws when the text was sealed with another key or for another purpose. */
  open(sealed: string, purpose: string): string
}

const keyBytes = 32
const ivBytes = 12
const tagBytes = 16
const prefix = 'v1.'

/** The box of a data folder, which openStore() has made; without a folder (`:memory:` stores) its key lives as long as the process. */
export async function loadSecretBox(folder?: string): Promise<SecretBox> {
  const key = folder === undefined ? randomBytes(keyBytes) : await loadKey(path.join(folder, 'secret.key'))
  return {
    seal(plain, purpose) {
      const iv = randomBytes(ivBytes)
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(purpose))
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
      return prefix + Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url')
    },
    open(sealed, purpose) {
      const bytes = Buffer.from(sealed.slice(prefix.length), 'base64url')
      if (!sealed.startsWith(prefix) || bytes.length < ivBytes + tagBytes)
        throw new Error(`The sealed secret of ${purpose} is not readable.`)
      const cipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, ivBytes)).setAAD(Buffer.from(purpose))
      cipher.setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes))
      try {
        return cipher.update(bytes.subarray(ivBytes + tagBytes), undefined, 'utf8') + cipher.final('utf8')
      } catch (cause) {
        throw new Error(`The secret of ${purpose} was sealed with another secret.key than the one in the data folder.`, { cause })
      }
    },
  }
}

async function loadKey(file: string): Promise<Buffer> {
  const key = (await readKey(file)) ?? (await createKey(file))
  if (key.length !== keyBytes) throw new StartupError(`The key file ${file} is damaged; restore it from a backup.`)
  return key
}

async function readKey(file: string): Promise<Buffer | undefined> {
  try {
    return await fs.readFile(file)
  } catch (error) {
    if (error instanceof Error && (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new StartupError(`The key file ${file} cannot be read: ${String(error)}.`, { cause: error })
  }
}

/** On disk before anything is sealed with it, and never half written under its final name. */
async function createKey(file: string): Promise<Buffer> {
  const key = randomBytes(keyBytes)
  const draft = `${file}.${randomBytes(4).toString('hex')}`
  await fs.writeFile(draft, key, { mode: 0o600, flag: 'wx', flush: true })
  await fs.rename(draft, file)
  const folder = await fs.open(path.dirname(file), 'r')
  await folder.sync().finally(() => folder.close())
  return key
}
