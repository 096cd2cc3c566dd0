// The numbers that the vendor's driver libraries know: sent to drivers, and read from their answers.
// Source: the error tables of those libraries (contract: iot-edge §8).

export const codes = {
  success: 0,
  unknown: 100000,
  invalidParam: 100001,
  timeout: 100006,
  unreachable: 100008,
  notRegistered: 109000,
  offline: 109001,
} as const

/** A refusal a driver gets as the answer to what it asked. */
export class DriverFault extends Error {
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}
