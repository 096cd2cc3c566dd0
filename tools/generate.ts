// `npm run generate`: everything that is derived from the declarations and committed: openapi/<family>.json, the
// reference pages under docs/api, docs/config.md and the agent's schemas. Deterministic, so a second run changes nothing;
// test/architecture.test.ts fails when a file is stale.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { configPage } from './generate/config-page.ts'
import { withFreshLines } from './generate/line-links.ts'
import { nodeSchemas } from './generate/node-schemas.ts'
import { openApiDocument } from './generate/openapi.ts'
import { referenceIndex } from './generate/reference-index.ts'
import { referencePage } from './generate/reference.ts'
import { allOperations, families } from './families.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
/** Folders that hold nothing but generated files: what is not generated any more is removed from them. */
const ownedFolders = ['openapi', 'docs/api']

/** Every generated file: path from the root → text. */
export function generatedFiles(): Map<string, string> {
  const files = new Map<string, string>()
  for (const { name, family } of families) files.set(`openapi/${name}.json`, `${JSON.stringify(openApiDocument(family), null, 2)}\n`)
  for (const { named, operation } of allOperations()) files.set(`docs/api/${operation.action}.md`, referencePage(named, operation))
  files.set('docs/api/README.md', referenceIndex())
  files.set('docs/config.md', configPage())
  files.set('packages/contract/src/node/schemas.ts', nodeSchemas())
  files.set('docs/flow.md', withFreshLines(root, 'docs/flow.md'))
  return files
}

/** Paths whose file on disk differs from what would be generated now. */
export function staleFiles(): string[] {
  const wanted = generatedFiles()
  const stale = [...wanted].filter(([path, text]) => read(path) !== text).map(([path]) => path)
  return [...stale, ...leftOver(wanted)].sort()
}

function leftOver(wanted: ReadonlyMap<string, string>): string[] {
  return ownedFolders
    .flatMap((folder) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`))
    .filter((path) => !wanted.has(path))
}

function read(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8')
  } catch {
    return undefined
  }
}

function writeAll(): void {
  for (const folder of ownedFolders) mkdirSync(join(root, folder), { recursive: true })
  const wanted = generatedFiles()
  for (const path of leftOver(wanted)) rmSync(join(root, path))
  let changed = 0
  for (const [path, text] of wanted) {
    if (read(path) === text) continue
    writeFileSync(join(root, path), text)
    changed += 1
  }
  console.log(`${wanted.size} files, ${changed} changed`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeAll()
