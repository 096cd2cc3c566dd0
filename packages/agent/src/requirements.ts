// What a workload asks of the machine apart from a runtime: the edge version and, for compiled drivers, the processor.
// Pure; asked by the reconciler before any runtime is.
import type { Workload } from '@littoral/contract/node/desired-state'
import type { Reason } from '@littoral/contract/node/report'

export interface Machine {
  readonly edgeVersion: string
  /** As process.arch says it. */
  readonly arch: string
}

/** Why this machine must not run the workload, or undefined when nothing speaks against it. */
export function unmetRequirement(workload: Workload, machine: Machine): Reason | undefined {
  if (workload.kind !== 'driver') return undefined
  if (compareVersions(machine.edgeVersion, workload.edgeVersion) < 0) {
    return {
      code: 'EdgeVersionTooOld',
      message: `the driver version needs edge version ${workload.edgeVersion}, this node has ${machine.edgeVersion}`,
    }
  }
  if (workload.runtime !== 'c' || workload.cpuArch === undefined) return undefined
  const runs = cpuArchs[machine.arch] ?? []
  if (runs.includes(workload.cpuArch.toLowerCase())) return undefined
  return {
    code: 'CpuArchMismatch',
    message: `the driver is compiled for ${workload.cpuArch}, this node runs ${runs.join(', ') || machine.arch}`,
  }
}

// Contract: iot-edge §7; compared without case.
const cpuArchs: Readonly<Record<string, readonly string[]>> = {
  arm: ['armv7', 'armv7-hf'],
  arm64: ['aarch64'],
  x64: ['x86-64'],
  ia32: ['x86'],
}

/** Contract: iot-edge §6: a leading v is ignored, parts are numbers, missing parts are 0. */
export function compareVersions(left: string, right: string): number {
  const [a, b] = [parts(left), parts(right)]
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return Math.sign(difference)
  }
  return 0
}

export function isVersion(text: string): boolean {
  return /^[vV]?\d{1,9}(\.\d{1,9}){0,3}$/.test(text)
}

function parts(version: string): number[] {
  return version.replace(/^[vV]/, '').split('.').map(Number)
}
