// A reservation: replicas kept free for an application per area, until a time or for ever (contract: esa-edge-container
// §4.5). Pure.
import { Fault } from '@littoral/contract/errors'
import { type Area, areaKey, areasOf } from './area.ts'
import { parseTime } from './release.ts'
import type { Settings } from './settings.ts'

export interface ReservedReplicas extends Area {
  readonly count: number
}

export interface Reservation {
  readonly isEnabled: boolean
  readonly isForever: boolean
  /** As it was sent; empty where there is none. */
  readonly durationTime: string
  readonly replicas: readonly ReservedReplicas[]
}

export const noReservation: Reservation = { isEnabled: false, isForever: false, durationTime: '', replicas: [] }

/** A row as it is sent; which members are mandatory is said here and not in the schema. */
export interface ReservedRow {
  readonly Region?: string
  readonly Isp?: string
  readonly Replicas?: number
}

export interface ReservationChange {
  readonly isEnabled?: boolean
  readonly isForever?: boolean
  readonly durationTime?: string
  readonly rows?: readonly ReservedRow[]
}

/** The reservation as it stands now: off by itself once its time is over. */
export function reservationAt(reservation: Reservation, nowMs: number): Reservation {
  const { isEnabled, isForever, durationTime } = reservation
  const isOver = isEnabled && !isForever && parseTime(durationTime, 'DurationTime') <= nowMs
  return isOver ? { ...reservation, isEnabled: false } : reservation
}

/** What is left out stays; a set replaces the old one. Throws InvalidParameter naming the field. */
export function changedReservation(
  before: Reservation,
  change: ReservationChange,
  { settings, nowMs }: { settings: Pick<Settings, 'regions'>; nowMs: number },
): Reservation {
  if (change.isForever === true && change.durationTime) throw invalid('DurationTime: not together with Forever.')
  const replicas = change.rows === undefined ? before.replicas : parseRows(change.rows, settings.regions)
  const endMs = change.durationTime ? parseTime(change.durationTime, 'DurationTime') : undefined
  // Naming one of the two takes the other back.
  const isForever = change.isForever ?? (before.isForever && endMs === undefined)
  const durationTime = isForever ? '' : (change.durationTime ?? before.durationTime)
  const isEnabled = change.isEnabled ?? reservationAt(before, nowMs).isEnabled
  if (isEnabled && !isForever) {
    if (durationTime === '') throw invalid('DurationTime: a reservation that is on needs an end, or Forever.')
    if (parseTime(durationTime, 'DurationTime') <= nowMs) throw invalid('DurationTime: the time is over already.')
  }
  return { isEnabled, isForever, durationTime, replicas }
}

function parseRows(rows: readonly ReservedRow[], regions: Settings['regions']): ReservedReplicas[] {
  const known = areasOf(regions)
  const seen = new Set<string>()
  return rows.map((row, index) => {
    const where = `ReserveSet[${index}]`
    if (!row.Region) throw invalid(`${where}.Region is mandatory.`)
    if (row.Replicas === undefined) throw invalid(`${where}.Replicas is mandatory.`)
    const area: Area = { area: row.Region.toLowerCase(), ...(row.Isp && { isp: row.Isp.toLowerCase() }) }
    requireKnown(area, known, where)
    if (seen.has(areaKey(area))) throw invalid(`${where}: the area and carrier are named twice.`)
    seen.add(areaKey(area))
    return { ...area, count: row.Replicas }
  })
}

function requireKnown(area: Area, known: readonly Area[], where: string): void {
  if (known.some((other) => areaKey(other) === areaKey(area))) return
  const ofArea = known.filter((other) => other.area === area.area)
  if (ofArea.length === 0) throw invalid(`${where}.Region: one of ${[...new Set(known.map((other) => other.area))].join(', ')}.`)
  const carriers = ofArea.flatMap(({ isp }) => (isp === undefined ? [] : [isp]))
  throw invalid(`${where}.Isp: ${carriers.length === 0 ? 'the area has no carriers here' : `one of ${carriers.join(', ')}`}.`)
}

function invalid(detail: string): Fault {
  return new Fault('InvalidParameter', { Detail: detail })
}
