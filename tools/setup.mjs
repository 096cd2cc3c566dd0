// Brings a fresh clone to the point where the commands can run: packages installed, sources compiled. `npm start` and
// `npm test` import it first, so it uses nothing but Node. Each step is skipped when its result is already there.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
const modules = join(root, 'node_modules')
const installedStamp = join(modules, '.cache', 'littoral', 'installed')
const builtStamp = join(modules, '.cache', 'littoral', 'built')

/** Installs and builds what is missing. `say` gets one line per step that really takes time. */
export async function setup(say = (line) => console.error(line)) {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new Error(`Littoral needs Node 20.19 or newer; this is ${process.versions.node}.`)
  }
  await install(say)
  await build(say)
}

async function install(say) {
  const lock = readFileSync(join(root, 'package-lock.json'))
  const wanted = createHash('sha256').update(lock).digest('hex')
  if (isInstalled(wanted)) return
  say('Installing packages with npm ci (about a minute the first time) …')
  await run('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], say)
  stamp(installedStamp, wanted)
}

/** True when node_modules was made from this very lock file: by our own stamp, or by being newer than it. */
function isInstalled(wanted) {
  const own = join(modules, '.package-lock.json')
  if (!existsSync(own)) return false
  if (existsSync(installedStamp)) return readFileSync(installedStamp, 'utf8') === wanted
  return statSync(own).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs - 5000
}

async function build(say) {
  const wanted = fingerprint()
  if (existsSync(builtStamp) && readFileSync(builtStamp, 'utf8') === wanted && hasOutput()) return
  say('Compiling …')
  await run(process.execPath, [join(modules, 'typescript', 'bin', 'tsc'), '-b'], say)
  await run(process.execPath, [join(root, 'tools', 'bundle.mjs')], say)
  stamp(builtStamp, wanted)
}

function hasOutput() {
  const bundle = join(root, 'packages', 'agent', 'dist', 'littoral-agent.mjs')
  return existsSync(bundle) && ['contract', 'server', 'agent', 'cli'].every((name) => existsSync(join(root, 'packages', name, 'dist')))
}

/** Changes with every added, removed or edited source; a hash of names, sizes and times, so it costs milliseconds. */
function fingerprint() {
  const hash = createHash('sha256')
  const files = ['tsconfig.base.json', 'tsconfig.json', 'package-lock.json', 'tools/bundle.mjs'].map((name) => join(root, name))
  for (const name of readdirSync(join(root, 'packages')).sort()) {
    const folder = join(root, 'packages', name)
    files.push(join(folder, 'package.json'), join(folder, 'tsconfig.json'), ...sources(join(folder, 'src')))
  }
  for (const file of files) {
    const stat = statSync(file, { throwIfNoEntry: false })
    if (stat) hash.update(`${file} ${stat.size} ${stat.mtimeMs}\n`)
  }
  return hash.digest('hex')
}

function sources(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && !/\.(test|contract)\.ts$/.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort()
}

function stamp(file, text) {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

/** Runs a command, keeps its output back, and shows it only when the command fails; a sign of life every ten seconds. */
function run(command, args, say) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const keep = (chunk) => (output = (output + chunk).slice(-20_000))
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    const startedAt = Date.now()
    const beat = setInterval(() => say(`  … still at it, ${Math.round((Date.now() - startedAt) / 1000)} s`), 10_000)
    child.on('error', (error) => {
      clearInterval(beat)
      reject(new Error(`${command} could not be started: ${error.message}`))
    })
    child.on('close', (code) => {
      clearInterval(beat)
      if (code === 0) resolve()
      else
        reject(
          new Error(`${[command.split('/').pop(), ...args.filter((arg) => !arg.startsWith('-'))].join(' ')} failed:\n${output.trim()}`),
        )
    })
  })
}
