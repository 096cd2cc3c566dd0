// Reservations in the store. One is never removed by its time: whoever reads it asks domain/reservation.ts what it is now.
import { noReservation, type Reservation, type ReservedReplicas } from '../../domain/reservation.ts'
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'
import type { AppReservationRow } from '../tables/records.ts'
import type { AppRef } from './apps.ts'

/** The reservation of an application; one that was never changed reserves nothing. */
export async function get(tx: ReadTx, appId: string): Promise<Reservation> {
  const row = await tx.first(db.selectFrom('app_reservations').selectAll().where('app_id', '=', appId))
  return row === undefined ? noReservation : toReservation(row)
}

/** Every reservation of the account that was turned on, over or not. */
export async function listEnabled(tx: ReadTx, accountId: string): Promise<(Reservation & { appId: string })[]> {
  const enabled = db.selectFrom('app_reservations').selectAll().where('account_id', '=', accountId).where('is_enabled', '=', 1)
  const rows = await tx.all(enabled.orderBy('app_id'))
  return rows.map((row) => ({ ...toReservation(row), appId: row.app_id }))
}

export function update(tx: WriteTx, { accountId, appId }: AppRef, reservation: Reservation, nowMs: number): void {
  const values = {
    is_enabled: reservation.isEnabled ? 1 : 0,
    is_forever: reservation.isForever ? 1 : 0,
    duration_time: reservation.durationTime,
    updated_at_ms: nowMs,
    replicas: JSON.stringify(reservation.replicas),
  }
  const row = { app_id: appId, account_id: accountId, ...values }
  tx.run(
    db
      .insertInto('app_reservations')
      .values(row)
      .onConflict((conflict) => conflict.column('app_id').doUpdateSet(values)),
    { missing: { name: 'InvalidApp.NotFound', params: { AppId: appId } } },
  )
}

function toReservation(row: AppReservationRow): Reservation {
  return {
    isEnabled: row.is_enabled === 1,
    isForever: row.is_forever === 1,
    durationTime: row.duration_time,
    replicas: JSON.parse(row.replicas) as ReservedReplicas[],
  }
}
