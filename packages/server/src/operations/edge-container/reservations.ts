// Operations on reservations.
import type { operations } from '@littoral/contract/edge-container/index'
import type { Handlers, Output } from '@littoral/contract/operation'
import { changedReservation, type Reservation, reservationAt } from '../../domain/reservation.ts'
import * as apps from '../../store/edge-container/apps.ts'
import * as reservations from '../../store/edge-container/reservations.ts'
import type { Context } from '../context.ts'

type ReservationOperations = Pick<typeof operations, 'GetEdgeContainerAppResourceReserve' | 'UpdateEdgeContainerAppResourceReserve'>

export const reservationHandlers: Handlers<ReservationOperations, Context> = {
  async GetEdgeContainerAppResourceReserve({ AppId }, { store, principal, now }) {
    const reservation = await store.read(async (tx) => {
      await apps.get(tx, { accountId: principal.accountId, appId: AppId })
      return reservations.get(tx, AppId)
    })
    return toReservationView(reservationAt(reservation, now()))
  },

  async UpdateEdgeContainerAppResourceReserve({ AppId, ...input }, { store, principal, settings, now }) {
    const ref = { accountId: principal.accountId, appId: AppId }
    const change = {
      ...(input.Enable !== undefined && { isEnabled: input.Enable }),
      ...(input.Forever !== undefined && { isForever: input.Forever }),
      ...(input.DurationTime !== undefined && { durationTime: input.DurationTime }),
      ...(input.ReserveSet && { rows: input.ReserveSet }),
    }
    const changed = await store.write(async (tx) => {
      await apps.peek(tx, ref)
      const after = changedReservation(await reservations.get(tx, AppId), change, { settings, nowMs: now() })
      apps.requirePresent(tx, ref)
      reservations.update(tx, ref, after, now())
      return after
    })
    return toReservationView(changed)
  },
}

function toReservationView(reservation: Reservation): Output<ReservationOperations['GetEdgeContainerAppResourceReserve']> {
  return {
    DurationTime: reservation.durationTime,
    Enable: reservation.isEnabled,
    Forever: reservation.isForever,
    ReserveSet: reservation.replicas.map(({ area, isp, count }) => ({
      ...(isp !== undefined && { Isp: isp }),
      Region: area,
      Replicas: count,
    })),
  }
}
