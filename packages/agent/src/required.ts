// The agent's CommonJS packages, loaded when they are first needed and with `require`: an `import` of one starts Node's parser
// for CommonJS exports, which costs an agent that lives for months 5 MB for nothing.
import { createRequire } from 'node:module'

interface Packages {
  ajv: typeof import('ajv')
  ws: typeof import('ws')
  yauzl: typeof import('yauzl')
}

const require = createRequire(import.meta.url)

export function required<Name extends keyof Packages>(name: Name): Packages[Name] {
  return require(name) as Packages[Name]
}
