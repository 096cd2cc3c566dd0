// Drivers: their shape and the rules between their fields (contract: iot-edge §1, §7).
import { invalidParam } from './invalid-param.ts'

export type Runtime = 'nodejs8' | 'python3' | 'c' | 'java8'

export interface Driver {
  readonly id: string
  readonly accountId: string
  readonly name: string
  readonly protocol: 'modbus' | 'opc-ua' | 'customize'
  readonly runtime: Runtime
  readonly cpuArch?: string
  readonly isBuiltIn: boolean
  /** 0 official, seeded by the operator for every account; 1 custom. */
  readonly type: 0 | 1
  readonly createdAtMs: number
  readonly modifiedAtMs: number
}

const cpuArchs = ['armv7', 'armv7-hf', 'aarch64', 'x86-64', 'x86']

/** The architecture in lower case; throws iot.common.InvalidParam when it is unknown, or missing for a compiled driver. */
export function parseCpuArch(text: string | undefined, runtime: Runtime): string | undefined {
  if (text === undefined || text === '') {
    if (runtime === 'c') throw invalidParam('CpuArch', 'is needed when Runtime is c.')
    return undefined
  }
  const cpuArch = text.toLowerCase()
  if (!cpuArchs.includes(cpuArch)) throw invalidParam('CpuArch', `must be one of ${cpuArchs.join(', ')}.`)
  return cpuArch
}

const archsByNode: Readonly<Record<string, readonly string[]>> = {
  x64: ['x86-64', 'x86'],
  x86_64: ['x86-64', 'x86'],
  amd64: ['x86-64', 'x86'],
  ia32: ['x86'],
  arm64: ['aarch64'],
  aarch64: ['aarch64'],
  arm: ['armv7', 'armv7-hf'],
}

/** Whether code for this architecture can run on a node; one that names an architecture of its own has to match it. */
export function runsOnArch(cpuArch: string, nodeArch: string): boolean {
  return (archsByNode[nodeArch] ?? [nodeArch.toLowerCase()]).includes(cpuArch)
}

/** The file that is started; it stands at the top of the package (contract: iot-edge §7). */
export function entryFileOf(runtime: Runtime): string {
  return { nodejs8: 'index.js', python3: 'index.py', c: 'main', java8: 'main.jar' }[runtime]
}
