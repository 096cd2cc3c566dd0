// Image secrets in the store, their passwords sealed. Only findSealed() reads a password, on behalf of a node that pulls.
import type { ImageSecret } from '../../domain/image-secret.ts'
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'
import type { AppImageSecretRow } from '../tables/records.ts'
import type { AppRef } from './apps.ts'

type KeptColumns = Omit<AppImageSecretRow, 'password'>

/** Every secret of an application, newest first, without passwords. */
export async function list(tx: ReadTx, { accountId, appId }: AppRef): Promise<ImageSecret[]> {
  const rows = await tx.all(columns(newestFirst(appId).where('account_id', '=', accountId)))
  return rows.map(toSecret)
}

/** The newest secret of an application, whatever registry it is for. */
export async function findNewest(tx: ReadTx, appId: string): Promise<ImageSecret | undefined> {
  const row = await tx.first(columns(newestFirst(appId).limit(1)))
  return row && toSecret(row)
}

/** The newest secret of an application for a registry, with its password still sealed. */
export async function findSealed(tx: ReadTx, appId: string, registry: string): Promise<(ImageSecret & { sealed: string }) | undefined> {
  const row = await tx.first(newestFirst(appId).where('registry', '=', registry).selectAll().limit(1))
  return row && { ...toSecret(row), sealed: row.password }
}

/** Throws InternalException when the application has `limit` secrets already. */
export function insert(tx: WriteTx, secret: ImageSecret & { readonly sealed: string }, limit: number): void {
  tx.run(
    db.insertInto('app_image_secrets').values({
      app_id: secret.appId,
      name: secret.name,
      account_id: secret.accountId,
      registry: secret.registry,
      username: secret.username,
      created_at_ms: secret.createdAtMs,
      password: secret.sealed,
    }),
    { missing: { name: 'InvalidApp.NotFound', params: { AppId: secret.appId } } },
  )
  const counted = db.selectFrom('app_image_secrets').select((e) => e.fn.countAll<number>().as('total'))
  tx.require(
    counted.where('app_id', '=', secret.appId).having((e) => e.fn.countAll<number>(), '<=', limit),
    { name: 'InternalException', params: { Detail: `The application has ${limit} image secrets, and no more are allowed here.` } },
  )
}

/** Throws InvalidParameter at commit when the application has no such secret. */
export function remove(tx: WriteTx, { accountId, appId }: AppRef, name: string): void {
  const gone = db.deleteFrom('app_image_secrets').where('app_id', '=', appId).where('account_id', '=', accountId)
  tx.run(gone.where('name', '=', name), {
    none: { name: 'InvalidParameter', params: { Detail: 'Name: the application has no image secret of this name.' } },
  })
}

function newestFirst(appId: string) {
  return db.selectFrom('app_image_secrets').where('app_id', '=', appId).orderBy('created_at_ms', 'desc')
}

function columns(rows: ReturnType<typeof newestFirst>) {
  return rows.select(['app_id', 'name', 'account_id', 'registry', 'username', 'created_at_ms'])
}

function toSecret(row: KeptColumns): ImageSecret {
  return {
    appId: row.app_id,
    accountId: row.account_id,
    name: row.name,
    registry: row.registry,
    username: row.username,
    createdAtMs: row.created_at_ms,
  }
}
