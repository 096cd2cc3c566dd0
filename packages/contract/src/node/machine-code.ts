// What processor a program or library was compiled for, read from the beginning of the file, and whether that is the one a
// driver says it is for (CpuArch; contract: iot-edge §7). Pure; used by the server at the release and by the node.

/** So much of a file's beginning is looked at. */
export const headBytes = 64

const magic = [0x7f, 0x45, 0x4c, 0x46]

interface Target {
  readonly machine: number
  readonly is64: boolean
}

const targets: Readonly<Record<string, Target>> = {
  armv7: { machine: 40, is64: false },
  'armv7-hf': { machine: 40, is64: false },
  aarch64: { machine: 183, is64: true },
  'x86-64': { machine: 62, is64: true },
  x86: { machine: 3, is64: false },
}

/** Numbers of the ELF standard, for refusals that say what was found. */
const machineNames: Readonly<Record<number, string>> = {
  3: 'x86',
  8: 'mips',
  20: 'powerpc',
  40: 'arm',
  62: 'x86-64',
  183: 'aarch64',
  243: 'riscv',
}

/** How floating point numbers are passed on 32-bit ARM: bits of e_flags. */
const floatHard = 0x400
const floatSoft = 0x200

export function isMachineCode(head: Uint8Array): boolean {
  return magic.every((byte, place) => head[place] === byte)
}

/** A text that names its own interpreter; the system starts it like a program. */
export function isScript(head: Uint8Array): boolean {
  return head[0] === 0x23 && head[1] === 0x21
}

/** Why machine code with this beginning cannot run where `cpuArch` says, or undefined. An architecture nobody knows is not compared. */
export function machineProblem(head: Uint8Array, cpuArch: string): string | undefined {
  const target = targets[cpuArch.toLowerCase()]
  if (target === undefined) return undefined
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  const is64 = head[4] === 2
  if (head.byteLength < (is64 ? 64 : 52)) return 'is a program that ends within its first bytes'
  const isLittle = head[5] === 1
  const machine = view.getUint16(18, isLittle)
  if (!isLittle || machine !== target.machine || is64 !== target.is64) {
    const found = `${machineNames[machine] ?? `machine ${machine}`}${isLittle ? '' : ' (big-endian)'}, ${is64 ? 64 : 32} bit`
    return `is compiled for ${found}, the driver is for ${cpuArch}`
  }
  const flags = machine === 40 ? view.getUint32(36, isLittle) : 0
  const isOtherFloat = cpuArch.toLowerCase() === 'armv7' ? (flags & floatHard) !== 0 : (flags & floatSoft) !== 0
  return isOtherFloat ? `is compiled for arm with ${flags & floatHard ? 'hard' : 'soft'} floats, the driver is for ${cpuArch}` : undefined
}
