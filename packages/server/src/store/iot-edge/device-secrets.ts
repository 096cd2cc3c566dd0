// Device secrets at rest: sealed with the key of the data folder, each to its own device. See
// docs/decisions/0012-device-secrets.md.
import { sql } from 'kysely'
import { db } from '../db.ts'
import type { SecretBox } from '../secret-box.ts'
import type { ReadTx, Store } from '../store.ts'

export function sealDeviceSecret(box: SecretBox, iotId: string, secret: string): string {
  return box.seal(secret, purposeOf(iotId))
}

/** Throws when the secret was sealed with another key. */
export function openDeviceSecret(box: SecretBox, device: { readonly iotId: string; readonly sealedSecret: string }): string {
  return box.open(device.sealedSecret, purposeOf(device.iotId))
}

const sealedAtOnce = 500

/** Seals the secrets that an older version stored as plain text; how many there were. Called before anybody can ask. */
export async function sealPlainSecrets(store: Store, box: SecretBox): Promise<number> {
  for (let count = 0; ;) {
    const plain = await store.read(listUnsealed)
    if (plain.length === 0) return count
    await store.write(async (tx) => {
      for (const { iot_id: iotId, secret } of plain) {
        const sealed = sealDeviceSecret(box, iotId, secret)
        tx.run(db.updateTable('devices').set({ secret: sealed }).where('iot_id', '=', iotId).where('secret', '=', secret))
      }
    })
    count += plain.length
  }
}

/** Plain secrets are hexadecimal, so none of them looks sealed. The condition is that of the index, letter by letter. */
function listUnsealed(tx: ReadTx) {
  const isUnsealed = sql<boolean>`substr(secret, 1, 3) <> 'v1.'`
  return tx.all(db.selectFrom('devices').select(['iot_id', 'secret']).where(isUnsealed).limit(sealedAtOnce))
}

function purposeOf(iotId: string): string {
  return `device ${iotId}`
}
