// Loaded before a measurement: what it imports from packages/*/src comes from packages/*/dist, the code that is installed
// and run, and not from a translation made on the fly, which wraps every function to keep its name.
import { existsSync, readFileSync } from 'node:fs'
import { register } from 'node:module'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'

const source = /\/packages\/([a-z]+)\/src\/(.+)\.ts$/
const output = /\/packages\/[a-z]+\/dist\/.+\.js$/

export async function resolve(specifier, context, next) {
  const resolved = await next(specifier, context)
  const url = resolved.url.replace(source, '/packages/$1/dist/$2.js')
  if (url !== resolved.url && !existsSync(fileURLToPath(url))) throw new Error(`${url} is not there: npm run build`)
  return url === resolved.url ? resolved : { url, format: 'module', shortCircuit: true }
}

export async function load(url, context, next) {
  if (!output.test(url)) return next(url, context)
  return { format: 'module', source: readFileSync(fileURLToPath(url)), shortCircuit: true }
}

// Loaded a second time by the thread that resolves.
if (isMainThread) register(import.meta.url)
