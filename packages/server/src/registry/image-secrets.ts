// The image secrets of apps, for the server's own questions to registries.
import type { ImagePin } from '../domain/image-pin.ts'
import { sealPurpose } from '../domain/image-secret.ts'
import * as secrets from '../store/edge-container/image-secrets.ts'
import type { SecretBox } from '../store/secret-box.ts'
import type { Store } from '../store/store.ts'

export function imageSecrets(store: Store, box: SecretBox) {
  return async ({ appId }: Pick<ImagePin, 'appId'>, host: string): Promise<{ username: string; password: string } | undefined> => {
    const secret = await store.read((tx) => secrets.findSealed(tx, appId, host.toLowerCase()))
    return secret && { username: secret.username, password: box.open(secret.sealed, sealPurpose(secret)) }
  }
}
