// Driver packages that no gateway may unpack and no server may release; both sides are tried with all of them
// (packages/server/src/objects/package.test.ts, packages/agent/src/packages/unpack.test.ts).
import { pack, packEntries, type PackedFile } from '../packages/agent/src/test-packages.ts'

export interface HostilePackage {
  /** Continues "a package that …". */
  readonly what: string
  readonly bytes: Buffer
  /** What the refusal names. */
  readonly names: RegExp
}

/** Its code would start, were it not for the entries that follow. */
const code: PackedFile = { name: 'index.js', content: 'code' }
const of = (what: string, names: RegExp, ...entries: PackedFile[]): HostilePackage => ({
  what,
  names,
  bytes: packEntries([code, ...entries]),
})
const whole = pack({ 'index.js': 'code'.repeat(1000), 'lib/other.js': 'more'.repeat(1000) })
const countAt = (bytes: Buffer) => bytes.length - 14

/** Sizes that do not fit into 32 bits, in the extra field made for them. */
function size64(bytes: bigint): Buffer {
  const extra = Buffer.alloc(12)
  extra.writeUInt16LE(1, 0)
  extra.writeUInt16LE(8, 2)
  extra.writeBigUInt64LE(bytes, 4)
  return extra
}

/** The end of the directory claims another number of entries. */
function claimingEntries(count: number): Buffer {
  const bytes = Buffer.from(whole)
  bytes.writeUInt16LE(count, countAt(bytes))
  bytes.writeUInt16LE(count, countAt(bytes) + 2)
  return bytes
}

export const hostilePackages: readonly HostilePackage[] = [
  of('leads out of its folder', /\.\.\/evil/, { name: '../evil', content: 'x' }),
  of('leads out of its folder on a detour', /a\/\.\.\/\.\.\/evil/, { name: 'a/../../evil', content: 'x' }),
  of('has an absolute path', /\/etc\/evil/, { name: '/etc/evil', content: 'x' }),
  of('has a path with a drive letter', /C:\/evil/, { name: 'C:/evil', content: 'x' }),
  of('leads out with backslashes', /evil/, { name: '..\\evil', content: 'x' }),
  of('has a line feed in a name', /"a\\nb" has a backslash or a control character/, { name: 'a\nb', content: 'x' }),
  of('contains a link', /"link" is a link/, { name: 'link', content: '/etc/passwd', mode: 0o120777 }),
  of(
    'contains a link to a folder and a file behind it',
    /"out" is a link/,
    { name: 'out', content: '/tmp', mode: 0o120777 },
    { name: 'out/evil' },
  ),
  of('contains a block device', /"disk" is a device/, { name: 'disk', mode: 0o060666 }),
  of('contains a character device', /"tty" is a device/, { name: 'tty', mode: 0o020666 }),
  of('contains a pipe', /"pipe" is a device, a pipe/, { name: 'pipe', mode: 0o010666 }),
  of('contains a socket', /"socket" is a device, a pipe or a socket/, { name: 'socket', mode: 0o140666 }),
  of('is encrypted', /"secret" is encrypted/, { name: 'secret', content: 'x', isEncrypted: true }),
  of('has one file twice', /"index.js" appears twice/, { name: 'index.js', content: '2' }),
  of('has one file twice in two spellings', /"\.\/index.js" appears twice/, { name: './index.js', content: '2' }),
  of('has two files that differ only in case', /"INDEX.js" differs from \\?"index.js\\?" only in case/, { name: 'INDEX.js', content: '2' }),
  of(
    'has two files that differ only in how a letter is composed',
    /only in case/,
    { name: 'é', content: '1' },
    { name: 'e\u0301', content: '2' },
  ),
  of('has two folders that differ only in case', /"lib\/b" lies in a folder that differs from/, { name: 'Lib/a' }, { name: 'lib/b' }),
  of('has a file inside a file', /"index.js\/b" lies inside a file/, { name: 'index.js/b', content: '2' }),
  of('has a file where a folder was', /"a" appears twice/, { name: 'a/b', content: '1' }, { name: 'a', content: '2' }),
  of('has a name that no file system takes', /longer than 255 bytes/, { name: 'n'.repeat(300), content: 'x' }),
  of('has a path longer than any system takes', /longer than 1024 characters/, { name: 'n/'.repeat(600), content: 'x' }),
  of('lies too deep', /deeper than 64 folders/, { name: 'n/'.repeat(70), content: 'x' }),
  of('is a bomb', /"zeros" grows \d+ times/, { name: 'zeros', content: Buffer.alloc(4 << 20) }),
  of('has an entry larger than it says', /"liar" cannot be/, { name: 'liar', content: 'x'.repeat(5000), claimedSize: 10 }),
  of('has an entry smaller than it says', /"liar" cannot be/, { name: 'liar', content: 'x'.repeat(10), claimedSize: 5000 }),
  of('claims four gigabytes', /"liar" brings the unpacked size above/, { name: 'liar', content: 'x', claimedSize: 0xfffffffe }),
  of('claims a petabyte', /"liar" brings the unpacked size above/, {
    name: 'liar',
    content: 'x',
    claimedSize: 0xffffffff,
    extra: size64(1n << 50n),
  }),
  of('claims a size that is not written in full', /zip64/, {
    name: 'liar',
    content: 'x',
    claimedSize: 0xffffffff,
    extra: Buffer.from([1, 0, 4, 0, 1, 2, 3, 4]),
  }),
  of('claims a size that is nowhere', /"liar" brings the unpacked size above/, { name: 'liar', content: 'x', claimedSize: 0xffffffff }),
  of('has the wrong checksum', /"liar" is damaged/, { name: 'liar', content: 'x'.repeat(100), claimedCrc: 7 }),
  of('claims content behind its end', /"far" cannot be/, { name: 'far', content: 'x', claimedOffset: 0x7fffffff }),
  of('claims content where there is none', /"off" cannot be/, { name: 'off', content: 'x', claimedOffset: 9 }),
  {
    what: 'has more files than any driver',
    names: /more than 20000 files and folders/,
    bytes: packEntries(Array.from({ length: 20_001 }, (_, n) => ({ name: `f${n}` }))),
  },
  {
    what: 'has more folders than any driver',
    names: /more than 20000 files and folders/,
    bytes: packEntries([code, ...Array.from({ length: 340 }, (_, n) => ({ name: `${n}/${'d/'.repeat(60)}` }))]),
  },
  { what: 'claims entries that are not there', names: /./, bytes: claimingEntries(500) },
  { what: 'is no zip archive', names: /./, bytes: Buffer.from('not a zip') },
  { what: 'is empty', names: /./, bytes: Buffer.alloc(0) },
  { what: 'is cut off at its end', names: /./, bytes: whole.subarray(0, whole.length - 30) },
  { what: 'is cut off in the middle', names: /./, bytes: whole.subarray(0, whole.length / 2) },
]
