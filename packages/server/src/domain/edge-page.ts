// Paging of the IoT family: numbers out of range are put right instead of refused (contract: iot-edge §9).
export interface Page {
  readonly currentPage: number
  readonly pageSize: number
}

const defaultPageSize = 10
const maxPageSize = 30

export function newPage(currentPage: number, pageSize: number, maxSize = maxPageSize): Page {
  return {
    currentPage: Math.max(1, currentPage),
    pageSize: pageSize < 1 ? defaultPageSize : Math.min(pageSize, maxSize),
  }
}

/** How many entries come before the page; bounded, because a database refuses offsets beyond 64 bits. */
export function offsetOf({ currentPage, pageSize }: Page): number {
  return Math.min((currentPage - 1) * pageSize, Number.MAX_SAFE_INTEGER)
}
