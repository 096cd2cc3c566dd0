// The judge of the fault suite must see what it is there to see.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { WantedApp, WantedDriver } from './intent.ts'
import { judgeContainers, judgeDrivers, type Seen } from './truth.ts'

const app: WantedApp = { kind: 'app', key: 'app/a/prod', appId: 'a', port: 1, containers: 2, version: 'ver-2', body: 'one' }
const digests = new Map([[app.key, 'd2']])
const member = (instance: string, change: Partial<Record<string, string>> = {}, isRunning = true): Seen => {
  const labels = { role: 'member', key: app.key, instance, version: 'ver-2', digest: 'd2', ...change }
  return {
    id: instance,
    isRunning,
    labels: Object.fromEntries(Object.entries(labels).map(([name, text]) => [`littoral.${name}`, text ?? ''])),
  }
}
const holder: Seen = { id: 'h', isRunning: true, labels: { 'littoral.role': 'holder' } }
const right = [member('i1'), member('i1'), holder, holder]

describe('the judge of containers', () => {
  it('finds nothing wrong with what is wanted', () => {
    expect(judgeContainers([app], right, digests)).toEqual([])
  })

  it.each<[string, Seen[], string]>([
    ['a second instance', [...right, member('i2'), member('i2')], '2 instances of app/a/prod'],
    ['a container that is missing', [member('i1'), holder], '1 containers of app/a/prod, not 2'],
    ['nothing at all', [], '0 instances of app/a/prod'],
    ['another version', [member('i1', { version: 'ver-1' }), member('i1')], 'app/a/prod is of ver-1, not ver-2'],
    ['another content', [member('i1', { digest: 'd1' }), member('i1')], 'app/a/prod is of ver-2, not ver-2'],
    ['one that does not run', [member('i1'), member('i1', {}, false)], 'a container of app/a/prod does not run'],
    ['what nobody wants', [...right, member('i3', { key: 'app/b/prod' })], 'a container of app/b/prod is left over'],
    ['holders without a group', [...right, holder], '3 holders for 1 groups'],
  ])('finds %s', (_what, seen, problem) => {
    expect(judgeContainers([app], seen, digests)).toContain(problem)
  })
})

describe('the judge of drivers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'littoral-truth-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'version.txt'), '1.0.1')
  writeFileSync(join(folder, 'driver_config.json'), '{"config":{"json":{"mark":"first"}}}')
  const driver: WantedDriver = { kind: 'driver', key: 'driver/i/d', instanceId: 'i', driverId: 'd', version: '1.0.1', mark: 'first' }

  it('wants exactly one process of the right version with the right configuration', () => {
    expect(judgeDrivers([driver], [{ pid: 1, folder }])).toEqual([])
    expect(
      judgeDrivers(
        [driver],
        [
          { pid: 1, folder },
          { pid: 2, folder },
        ],
      ),
    ).toEqual(['2 driver processes, not 1'])
    expect(judgeDrivers([driver], [])).toHaveLength(1)
    expect(judgeDrivers([{ ...driver, version: '1.0.2' }], [{ pid: 1, folder }])).toHaveLength(1)
    expect(judgeDrivers([{ ...driver, mark: 'second' }], [{ pid: 1, folder }])).toHaveLength(1)
  })
})
