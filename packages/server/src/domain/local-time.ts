// The time texts of the IoT family: yyyy-MM-dd HH:mm:ss in UTC+8, wherever server and caller are (contract: iot-edge §2).
const offsetMs = 8 * 3600 * 1000

export function toLocalTime(ms: number): string {
  return new Date(ms + offsetMs).toISOString().slice(0, 19).replace('T', ' ')
}
