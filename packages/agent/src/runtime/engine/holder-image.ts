// The image of the holder, the container that owns a group's network namespace and does nothing else. It is written here
// byte by byte, because a node may have no registry to pull it from and no compiler: a static ELF file of about 200 bytes.
import type { Engine } from './client/connection.ts'
import { findImage, loadImage } from './client/images.ts'
import { imageArchive } from './image-archive.ts'

type Architecture = 'amd64' | 'arm64'

/*
 * Blocks HUP, INT and TERM, waits for one of them (sigtimedwait without a timeout; again when interrupted), then exits
 * with 0. The signals must be blocked, not just left alone: the kernel drops unblocked, unhandled signals to PID 1.
 *
 *         x86-64                                    aarch64
 *         mov  $14,%eax                             mov x0,#0
 *         xor  %edi,%edi                            adr x1,set
 *         lea  set(%rip),%rsi                       mov x2,#0
 *         xor  %edx,%edx                            mov x3,#8
 *         mov  $8,%r10d                             mov x8,#135
 *         syscall                                   svc #0
 *  again: mov  $128,%eax                     again: adr x0,set
 *         lea  set(%rip),%rdi                       mov x1,#0
 *         xor  %esi,%esi                            mov x2,#0
 *         xor  %edx,%edx                            mov x3,#8
 *         mov  $8,%r10d                             mov x8,#137
 *         syscall                                   svc #0
 *         test %eax,%eax                            tbnz w0,#31,again
 *         js   again                                mov x0,#0
 *         mov  $231,%eax                            mov x8,#94
 *         xor  %edi,%edi                            svc #0
 *         syscall
 *    set: .quad 0x4003                         set: .quad 0x4003
 */
const programs: Record<Architecture, { machine: number; code: string }> = {
  amd64: {
    machine: 0x3e,
    code:
      'b80e000000' +
      '31ff' +
      '488d3532000000' +
      '31d2' +
      '41ba08000000' +
      '0f05' +
      'b880000000' +
      '488d3d1c000000' +
      '31f6' +
      '31d2' +
      '41ba08000000' +
      '0f05' +
      '85c0' +
      '78e4' +
      'b8e7000000' +
      '31ff' +
      '0f05' +
      '0f1f00' +
      '0340000000000000',
  },
  arm64: {
    machine: 0xb7,
    code:
      '000080d2' +
      'e1010010' +
      '020080d2' +
      '030180d2' +
      'e81080d2' +
      '010000d4' +
      '40010010' +
      '010080d2' +
      '020080d2' +
      '030180d2' +
      '281180d2' +
      '010000d4' +
      '40ffff37' +
      '000080d2' +
      'c80b80d2' +
      '010000d4' +
      '0340000000000000',
  },
}

const loadAddress = 0x400000
const headerBytes = 64
const segmentBytes = 56

/** The executable: an ELF header, one read-and-execute segment, the code. */
export function holderProgram(architecture: Architecture): Buffer {
  const { machine, code } = programs[architecture]
  const codeBytes = Buffer.from(code, 'hex')
  const start = headerBytes + segmentBytes
  const file = Buffer.alloc(start + codeBytes.length)
  file.write('7f454c46020101', 0, 'hex')
  file.writeUInt16LE(2, 16)
  file.writeUInt16LE(machine, 18)
  file.writeUInt32LE(1, 20)
  file.writeBigUInt64LE(BigInt(loadAddress + start), 24)
  file.writeBigUInt64LE(BigInt(headerBytes), 32)
  file.writeUInt16LE(headerBytes, 52)
  file.writeUInt16LE(segmentBytes, 54)
  file.writeUInt16LE(1, 56)
  file.writeUInt16LE(64, 58)
  file.writeUInt32LE(1, headerBytes)
  file.writeUInt32LE(5, headerBytes + 4)
  file.writeBigUInt64LE(BigInt(loadAddress), headerBytes + 16)
  file.writeBigUInt64LE(BigInt(loadAddress), headerBytes + 24)
  file.writeBigUInt64LE(BigInt(file.length), headerBytes + 32)
  file.writeBigUInt64LE(BigInt(file.length), headerBytes + 40)
  file.writeBigUInt64LE(0x10000n, headerBytes + 48)
  codeBytes.copy(file, start)
  return file
}

/** Changes with the program, so a node never runs an old one under a new name. */
export const holderImage = 'localhost/littoral/holder:2'

/** Makes sure that the engine has the holder image; nothing is pulled. */
export async function ensureHolderImage(engine: Engine, signal?: AbortSignal): Promise<void> {
  if ((await findImage(engine, holderImage, signal)) !== undefined) return
  const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'
  const files = [{ path: 'holder', content: holderProgram(architecture), mode: 0o755 }]
  await loadImage(engine, imageArchive({ tags: [holderImage], files, architecture, entrypoint: ['/holder'] }), signal)
}
