// The house rules that a machine can check: who imports whom (with a canary), names, sizes, notes, fresh generated files,
// links that lead somewhere.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { faultNames } from '@littoral/contract/errors'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { allOperations } from '../tools/families.ts'
import { generatedFiles, staleFiles } from '../tools/generate.ts'
import { plainSchema, wholeOutput } from '../tools/generate/envelope.ts'
import { fieldRows } from '../tools/generate/schema-text.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const depcruise = join(root, 'node_modules', '.bin', 'depcruise')

interface Cruise {
  readonly summary: { readonly totalCruised: number; readonly violations: readonly { from: string; to: string; rule: { name: string } }[] }
}

function cruise(folder: string): Cruise['summary'] {
  const args = ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', 'packages']
  const result = spawnSync(depcruise, args, { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 28 })
  if (!result.stdout) throw new Error(result.stderr)
  return (JSON.parse(result.stdout) as Cruise).summary
}

/** Files under version control or about to be, so that scratch files of a developer do not count. */
function files(...patterns: string[]): string[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '--', ...patterns]
  const listed = execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\n')
  return [...new Set(listed)].filter((path) => path !== '' && existsSync(join(root, path)))
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

const sources = files('packages/*.ts', 'packages/*.tsx', 'tools/*.ts', 'tools/*.mjs', 'bench/*.ts', 'test/*.ts')

describe('imports', () => {
  let planted = ''
  beforeAll(() => {
    planted = mkdtempSync(join(tmpdir(), 'littoral-canary-'))
    for (const name of ['.dependency-cruiser.cjs', 'tsconfig.base.json', 'tsconfig.check.json', 'package.json']) {
      cpSync(join(root, name), join(planted, name))
    }
    symlinkSync(join(root, 'node_modules'), join(planted, 'node_modules'))
  })
  afterAll(() => rmSync(planted, { recursive: true, force: true }))

  function plant(path: string, text: string): void {
    mkdirSync(dirname(join(planted, path)), { recursive: true })
    writeFileSync(join(planted, path), text)
  }

  it('follow the table, in more than a hundred modules', () => {
    const { violations, totalCruised } = cruise(root)
    expect(violations.map(({ from, to, rule }) => `${rule.name}: ${from} → ${to}`)).toEqual([])
    expect(totalCruised).toBeGreaterThan(100)
  })

  it('are really checked: each planted forbidden import is found', () => {
    const forbidden: Record<string, string> = {
      'packages/server/src/domain/planted.ts': "import '../store/target.ts'",
      'packages/server/src/operations/planted.ts': "import '../http/target.ts'",
      'packages/server/src/loops/planted.ts': "import './target.ts'",
      'packages/server/src/store/planted.ts': "import type { T } from '../operations/target.ts'\nexport type U = T",
      'packages/contract/src/planted.ts': "import 'node:fs'",
      'packages/contract/src/wire/planted.ts': "import 'node:http'",
      'packages/agent/src/plan.ts': "import './runtime/engine/target.ts'",
      'packages/agent/src/runtime/process/planted.ts': "import '../engine/target.ts'",
      'packages/agent/src/session.ts': "import '../../server/src/http/target.ts'",
      'packages/cli/src/planted.ts': "import '../../server/src/domain/target.ts'",
    }
    for (const [path, text] of Object.entries(forbidden)) plant(path, `${text}\n`)
    for (const folder of [
      'server/src/store',
      'server/src/http',
      'server/src/loops',
      'server/src/operations',
      'server/src/domain',
      'agent/src/runtime/engine',
    ]) {
      plant(`packages/${folder}/target.ts`, 'export type T = string\n')
    }
    const found = new Set(cruise(planted).violations.map(({ from }) => from))
    expect([...found].sort()).toEqual(Object.keys(forbidden).sort())
  })

  it('hold no cycle, and a planted one is found', () => {
    plant('packages/server/src/domain/one.ts', "import './two.ts'\n")
    plant('packages/server/src/domain/two.ts', "import './one.ts'\n")
    expect(cruise(planted).violations.map(({ rule }) => rule.name)).toContain('no-cycles')
  })
})

describe('files', () => {
  it.each(sources)('%s stays within its size and begins with what it is for', (path) => {
    const lines = read(path).trimEnd().split('\n')
    expect(lines.length).toBeLessThanOrEqual(/\.(test|contract)\.ts$|^test\//.test(path) ? 500 : 350)
    if (path.endsWith('.test.ts') && !path.startsWith('test/')) return
    const first = lines[0]?.startsWith('#!') ? lines[1] : lines[0]
    expect(first).toMatch(/^\/[/*]/)
  })

  it('have kebab-case names without the words that say nothing', () => {
    const forbidden = new Set([
      'manager',
      'helper',
      'helpers',
      'util',
      'utils',
      'common',
      'misc',
      'service',
      'services',
      'impl',
      'handler',
      'handlers',
      'base',
      'info',
    ])
    const wrong = sources.filter((path) => {
      const name = basename(path).replace(/\.(test|contract)?\.?(ts|tsx|mjs)$/, '')
      const isKebab = /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) || (path.endsWith('.tsx') && /^[A-Z]/.test(name))
      return !isKebab || name.split('-').some((word) => forbidden.has(word))
    })
    expect(wrong).toEqual([])
  })

  it('declare nothing under a name that says nothing', () => {
    const pattern =
      /^export (?:async )?(?:const|function|class|interface|type) (\w*(?:Manager|Helpers?|Utils?|Service|Impl|Misc)|process[A-Z]\w*|handle[A-Z]\w*|do[A-Z]\w*|I[A-Z][a-z]\w*)\b/gm
    const found = sources.flatMap((path) => [...read(path).matchAll(pattern)].map((match) => `${path}: ${match[1]}`))
    expect(found).toEqual([])
  })

  it('hold no test that is left out, no note without an issue, no author', () => {
    const own = 'test/architecture.test.ts'
    const found = sources
      .filter((path) => path !== own)
      .flatMap((path) => {
        const lines = read(path).split('\n')
        return lines.flatMap((line, index) => (isLoose(line) ? [`${path}:${index + 1}: ${line.trim()}`] : []))
      })
    expect(found).toEqual([])
  })

  it('of the lock name no registry', () => {
    expect(read('package-lock.json')).not.toMatch(/https?:\/\/[^"]*\.tgz/)
  })
})

function isLoose(line: string): boolean {
  if (/\b(it|test|describe)\.(only|skip|todo)\(/.test(line)) return true
  return /\b(TODO|FIXME|XXX)\b/.test(line) && !/TODO\(#\d+\)/.test(line)
}

describe('faults', () => {
  it('of the catalogue are all thrown: a code that nothing answers misleads whoever handles it', () => {
    const code = files('packages/contract/src/*.ts', 'packages/server/src/*.ts')
      .filter((path) => !path.includes('/errors/') && !path.endsWith('.test.ts'))
      .map(read)
      .join('\n')
    const isNamed = (name: string) => code.includes(`'${name}'`)
    expect(faultNames().filter((name) => !isNamed(name))).toEqual([])
    expect(isNamed('Throttling.Api')).toBe(false)
  })
})

describe('derived files', () => {
  it('are fresh: run `npm run generate` when they are not', () => {
    expect(generatedFiles().size).toBeGreaterThan(30)
    expect(staleFiles()).toEqual([])
  })

  it.each(allOperations().map(({ named, operation }) => ({ action: operation.action, named, operation })))(
    '$action is documented to its last field',
    ({ named, operation }) => {
      expect(operation.summary).toMatch(/^[A-Z].*\.$/)
      const rows = [...fieldRows(plainSchema(operation.input)), ...fieldRows(wholeOutput(named.family, operation))]
      expect(rows.filter((row) => row.description === '').map((row) => row.path)).toEqual([])
    },
  )
})

describe('pages', () => {
  const pages = files('*.md').filter((path) => !path.startsWith('docs/api/'))
  const links = pages.flatMap((page) =>
    [...read(page).matchAll(/\[([^\]]*)\]\(([^)\s]+)\)/g)].map((match) => ({ page, text: match[1] ?? '', target: match[2] ?? '' })),
  )
  const local = links.filter(({ target }) => !/^[a-z]+:/.test(target) && !target.startsWith('#'))

  it('link to files that exist', () => {
    const dead = local.filter(({ page, target }) => !existsSync(resolve(root, dirname(page), target.split('#')[0] ?? '')))
    expect(dead.map(({ page, target }) => `${page}: ${target}`)).toEqual([])
  })

  it('link to the very line that holds what they name', () => {
    const lines = local.filter(({ target }) => /#L\d+$/.test(target))
    const wrong = lines.filter(({ page, text, target }) => {
      const [path, line] = target.split('#L')
      const content = readFileSync(resolve(root, dirname(page), path ?? ''), 'utf8').split('\n')[Number(line) - 1] ?? ''
      return !content.includes(text.replaceAll('`', ''))
    })
    expect(wrong.map(({ page, target }) => `${page}: ${target}`)).toEqual([])
    expect(lines.length).toBeGreaterThan(10)
  })
})
