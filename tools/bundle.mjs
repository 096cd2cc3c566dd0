// Puts the whole agent into one file that needs nothing but Node: packages/agent/dist/littoral-agent.mjs. Part of `npm run
// build`; `--out FILE` and `--version VERSION` make another one, for tests. Works from the sources, so it needs no output.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Ajv } from 'ajv'
import standaloneCode from 'ajv/dist/standalone/index.js'
import { build } from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const agent = join(root, 'packages', 'agent')

/**
 * The agent's CommonJS packages, found by name at run time elsewhere, are part of the bundle; each is run when it is needed.
 * In place of Ajv, which costs eight megabytes to compile the contract's schemas with, stands what it would have compiled.
 */
const packagesInside = {
  name: 'packages-inside',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]agent[\\/]src[\\/]required\.ts$/ }, async () => ({
      loader: 'js',
      resolveDir: join(agent, 'src'),
      contents: `${await compiledChecks()}
        const packages = { ajv: () => ({ Ajv: Compiled }), ws: () => require('ws'), yauzl: () => require('yauzl'),
          '@homebridge/dbus-native/lib/message.js': () => require('@homebridge/dbus-native/lib/message.js') }
        export const required = (name) => packages[name]()`,
    }))
  },
}

/**
 * Modules of Node that most agents never use, or not before something is to be started. In one file every `import` of them would be
 * carried out at the start, also those of parts that are loaded later; here each is loaded when something of it is first touched.
 */
const late = ['child_process', 'https', 'readline', 'stream/promises', 'tls', 'zlib']

const lateModules = {
  name: 'late-modules',
  setup({ onResolve, onLoad }) {
    const names = late.map((name) => name.replace('/', '[/]')).join('|')
    onResolve({ filter: new RegExp(`^(node:)?(${names})$`) }, ({ path }) => ({
      path: `node:${path.replace('node:', '')}`,
      namespace: 'late',
    }))
    onLoad({ filter: /.*/, namespace: 'late' }, async ({ path }) => {
      const exported = Object.keys(await import(path)).filter((name) => name !== 'default')
      return {
        contents: `for (const name of ${JSON.stringify(exported)})
          Object.defineProperty(exports, name, { enumerable: true, get: () => process.getBuiltinModule(${JSON.stringify(path)})[name] })`,
      }
    })
  },
}

/** Must be those of packages/agent/src/checks.ts; the bundle itself compares them when it starts. */
const ajvOptions = { strict: false, allErrors: false, ownProperties: true, meta: false, validateSchema: false, code: { optimize: false } }

/** A stand-in for Ajv that knows exactly the schemas of packages/contract/src/node/schemas.ts. */
async function compiledChecks() {
  const { outputFiles } = await build({
    entryPoints: [join(root, 'packages', 'contract', 'src', 'node', 'schemas.ts')],
    write: false,
    format: 'esm',
  })
  const { desiredStateSchema, serverMessageSchemas } = await import(
    `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`
  )
  const schemas = [...Object.values(JSON.parse(serverMessageSchemas)), JSON.parse(desiredStateSchema)]
  const ajv = new Ajv({ ...ajvOptions, code: { ...ajvOptions.code, source: true } })
  const names = {}
  for (const schema of schemas) {
    const name = `check${Object.keys(names).length}`
    names[createHash('sha256').update(JSON.stringify(schema)).digest('hex')] = name
    ajv.addSchema(schema, name)
  }
  const code = standaloneCode.default(ajv, Object.fromEntries(Object.values(names).map((name) => [name, name])))
  return `const { createHash } = require('node:crypto')
    const checks = (() => { const exports = {}; ${code}; return exports })()
    const names = ${JSON.stringify(names)}
    class Compiled {
      constructor(options) {
        if (JSON.stringify(options) !== ${JSON.stringify(JSON.stringify(ajvOptions))}) throw new Error('the bundle was made with other options for Ajv')
      }
      compile(schema) {
        const name = names[createHash('sha256').update(JSON.stringify(schema)).digest('hex')]
        if (name === undefined) throw new Error('the bundle was made without this schema')
        return checks[name]
      }
    }`
}

/** Answers the path of the file. */
export async function bundleAgent({ out = join(agent, 'dist', 'littoral-agent.mjs'), version = repositoryVersion() } = {}) {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(agent, 'src', 'bundle.ts')],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    conditions: ['littoral:source'],
    // The text of the program stays in memory as long as the agent runs.
    minify: true,
    legalComments: 'none',
    define: { LITTORAL_AGENT_VERSION: JSON.stringify(version) },
    // The packages are CommonJS and ask for Node's own modules with require.
    banner: {
      js: `// littoral-agent ${version}\nimport { createRequire as littoralRequire } from 'node:module'\nconst require = littoralRequire(import.meta.url)`,
    },
    external: ['bufferutil', 'utf-8-validate'],
    plugins: [packagesInside, lateModules],
    logLevel: 'warning',
  })
  const strangers = Object.keys(metafile.inputs).filter((path) => /node_modules\/typebox\//.test(path))
  if (strangers.length > 0) throw new Error(`the agent must not load typebox, but its bundle has ${strangers[0]}`)
  mkdirSync(dirname(out), { recursive: true })
  // In one step: a server may be handing the old one out.
  const spare = `${out}.${process.pid}.tmp`
  writeFileSync(spare, Buffer.concat([outputFiles[0].contents, Buffer.from(notices(Object.keys(metafile.inputs)))]))
  renameSync(spare, out)
  return out
}

/** The licences of what is inside, as a comment at the end. */
function notices(inputs) {
  const names = new Set(inputs.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []))
  return [...names]
    .sort((a, b) => (a < b ? -1 : 1))
    .map(notice)
    .join('')
}

function notice(name) {
  const folder = join(root, 'node_modules', name)
  const file = existsSync(folder) ? readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry)) : undefined
  if (file === undefined) throw new Error(`${name} is part of the agent's bundle and has no licence file`)
  return `\n/*! ${name}\n\n${readFileSync(join(folder, file), 'utf8').replaceAll('*/', '* /').trim()}\n*/\n`
}

function repositoryVersion() {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { out: { type: 'string' }, version: { type: 'string' } } })
  await bundleAgent(values)
}
