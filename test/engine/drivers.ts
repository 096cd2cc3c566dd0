// Driver workloads for tests: packages made on the spot, "downloaded" from memory.
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DriverWorkload } from '@littoral/contract/node/desired-state'
import { ZipFile } from 'yazl'
import { configFileName, driverEnvironment, DriverPackages } from '../../packages/agent/src/packages/driver-packages.ts'
import { usualCommand } from '../../packages/agent/src/packages/languages.ts'
import type { DriverSupport } from '../../packages/agent/src/runtime/engine/context.ts'
import type { TarEntry } from '../../packages/agent/src/runtime/engine/tar.ts'
import { makeImage } from '../../tools/sample-image.ts'

const packages = new Map<string, Buffer>()
const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex')

/** What agent.ts hands to the engine runtime, with downloads from memory. */
export function driverSupport(folder: string): DriverSupport {
  const store = new DriverPackages(folder, (path, fromByte) => {
    const content = packages.get(path)?.subarray(fromByte) ?? Buffer.alloc(0)
    const body = Object.assign(
      (async function* () {
        yield content
      })(),
      { destroy() {} },
    )
    return Promise.resolve({ fromByte, body })
  })
  return {
    prepare: store.prepare.bind(store),
    layOut: store.layOut.bind(store),
    placeConfig: store.placeConfig.bind(store),
    tidy: store.tidy.bind(store),
    stock: store.stock,
    launch(workload, inside) {
      const { program, args, environment } = usualCommand(workload, inside)
      return { command: [program, ...args], environment: { ...driverEnvironment(workload, join(inside, configFileName)), ...environment } }
    },
  }
}

/** A driver of the runtime `c` may be any executable; here it is a shell script. */
export async function driver(files: Record<string, string>, changes: Partial<DriverWorkload> = {}): Promise<DriverWorkload> {
  const zip = new ZipFile()
  for (const [name, content] of Object.entries(files)) zip.addBuffer(Buffer.from(content), name, { mode: 0o100755, mtime: new Date(0) })
  zip.end()
  const chunks: Buffer[] = []
  for await (const chunk of zip.outputStream) chunks.push(chunk as Buffer)
  const content = Buffer.concat(chunks)
  const path = `/node/v1/objects/${sha256(content)}`
  packages.set(path, content)
  const workload: DriverWorkload = {
    kind: 'driver',
    key: `driver/inst-1/${randomBytes(4).toString('hex')}`,
    version: '1.0.0',
    digest: '',
    driverId: 'drv-1',
    driverName: 'meter',
    runtime: 'c',
    edgeVersion: '2.0.0',
    package: { path, sha256: sha256(content), sizeBytes: content.length },
    arguments: [],
    config: '{"config":{},"deviceList":[]}',
    files: [],
    container: { privileged: false, hostNetwork: false, ports: [], devices: [], volumes: [] },
    ...changes,
  }
  return { ...workload, digest: changes.digest ?? sha256(JSON.stringify(workload)) }
}

/** This machine's own node with the libraries it needs, as an image. */
export async function makeNodeImage(socketPath: string, tag: string): Promise<void> {
  const libraries = [...execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g)].flatMap(
    ([, path]) => path ?? [],
  )
  const files = libraries
    .filter((path) => existsSync(path))
    .map((path): TarEntry => ({ path: path.slice(1), content: readFileSync(path), mode: 0o755 }))
  files.push({ path: 'usr/local/bin/node', content: readFileSync(process.execPath), mode: 0o755 })
  await makeImage(socketPath, { tags: [tag], files, env: ['PATH=/usr/local/bin'] })
}
