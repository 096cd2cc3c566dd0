// Operations on image secrets. A password comes in here, is sealed, and goes out only to a node that pulls
// (nodes/registry-credentials.ts).
import type { operations } from '@littoral/contract/edge-container/index'
import type { Handlers } from '@littoral/contract/operation'
import { newImageSecret, parseRegistry, sealPurpose } from '../../domain/image-secret.ts'
import * as apps from '../../store/edge-container/apps.ts'
import * as secrets from '../../store/edge-container/image-secrets.ts'
import type { Context } from '../context.ts'

type SecretOperations = Pick<
  typeof operations,
  'CreateEdgeContainerAppImageSecret' | 'ListEdgeContainerAppImageSecrets' | 'DeleteEdgeContainerAppImageSecret'
>

export const imageSecretHandlers: Handlers<SecretOperations, Context> = {
  async CreateEdgeContainerAppImageSecret({ AppId, Password, Registry, Username }, { store, principal, ids, box, settings, now }) {
    const ref = { accountId: principal.accountId, appId: AppId }
    const draft = { ...ref, name: `reg-${ids.digits(16)}`, registry: parseRegistry(Registry), username: Username }
    const sealed = box.seal(Password, sealPurpose(draft))
    await store.write(async (tx) => {
      await apps.peek(tx, ref)
      const newest = await secrets.findNewest(tx, AppId)
      apps.requirePresent(tx, ref)
      secrets.insert(tx, { ...newImageSecret(draft, now(), newest?.createdAtMs), sealed }, settings.limits.imageSecretsPerApp)
    })
    return {}
  },

  async ListEdgeContainerAppImageSecrets({ AppId }, { store, principal }) {
    const ref = { accountId: principal.accountId, appId: AppId }
    const found = await store.read(async (tx) => {
      await apps.get(tx, ref)
      return secrets.list(tx, ref)
    })
    return { ImageSecretList: found.map(({ name, registry, username }) => ({ Name: name, Registry: registry, Username: username })) }
  },

  async DeleteEdgeContainerAppImageSecret({ AppId, Name }, { store, principal }) {
    const ref = { accountId: principal.accountId, appId: AppId }
    await store.write(async (tx) => {
      await apps.peek(tx, ref)
      secrets.remove(tx, ref, Name)
    })
    return {}
  },
}
