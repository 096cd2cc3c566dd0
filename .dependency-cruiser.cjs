// Which part of Littoral may import which: the whole list. Everything that no line of `table` allows is an error.
// docs/decisions/0001-house.md says why; test/architecture.test.ts proves that a forbidden import is really seen.

const anything = ['.*']
const types = ['^node_modules/typebox/']
const contract = '^packages/contract/src/(?!wire/)'
const wire = '^packages/contract/src/wire/'
const node = '^packages/contract/src/node/'
const server = '^packages/server/src/'
const agent = '^packages/agent/src/'
const runtimePort = `${agent}runtime/runtime\\.ts$`
const context = `${server}operations/context\\.ts$`
const npm = (...names) => names.map((name) => `^node_modules/(@types/)?${name}/`)

/** [from, what of ours and of npm it may import, which of Node's own modules it may import ('*': all)] */
const table = [
  // Tests, tools and measurements may import anything; nobody imports them.
  ['^(test|tools|bench)/', anything, '*'],
  ['^packages/[^/]+/src/.*\\.(test|contract)\\.ts$', anything, '*'],

  ['^packages/contract/src/(?!wire/)', [contract, ...types], []],
  [wire, [contract, wire, ...types], ['crypto']],

  [`${server}domain/`, [`${server}domain/`, contract], ['crypto']],
  [
    `${server}store/`,
    [`${server}store/`, `${server}domain/`, '^packages/contract/src/(errors|node/)', ...npm('kysely', 'better-sqlite3', 'libsql')],
    '*',
  ],
  [`${server}operations/`, [`${server}(operations|domain|store)/`, contract], ['crypto']],
  [`${server}loops/loop\\.ts$`, [context, `${server}(store/store|domain/settings)\\.ts$`], '*'],
  [`${server}loops/(?!loop\\.ts$)`, [`${server}loops/loop\\.ts$`, context, `${server}(domain|store)/`, contract], []],
  [`${server}http/`, [`${server}http/`, `${server}operations/([^/]+/index|context)\\.ts$`, contract, wire, ...npm('fastify', 'ajv')], '*'],
  [`${server}nodes/`, [`${server}(nodes|domain|store)/`, context, contract, wire, ...npm('ws', 'ajv', 'fastify')], '*'],
  [`${server}objects/`, [`${server}(objects|domain|store)/`, context, contract, wire, ...npm('yauzl', 'fastify')], '*'],
  [`${server}registry/`, [`${server}(registry|domain|store)/`, contract], '*'],
  [`${server}config\\.ts$`, [`${server}domain/(settings|object-location)\\.ts$`, `${node}log-sink\\.ts$`], '*'],
  [`${server}ids\\.ts$`, [context], ['crypto']],
  [`${server}server\\.ts$`, [server, contract, wire, ...npm('fastify')], '*'],
  [
    `${server}(audited|data-folder|listen|log|root-key)\\.ts$`,
    [context, `${server}store/`, `${server}config\\.ts$`, ...npm('fastify')],
    '*',
  ],
  [`${server}heap\\.ts$`, [], ['v8']],
  [`${server}main\\.ts$`, [`${server}(server|config|heap|log)\\.ts$`], '*'],

  [`${agent}plan\\.ts$`, [node, runtimePort, `${agent}steps\\.ts$`], []],
  [`${agent}steps\\.ts$`, [node, runtimePort], []],
  [`${agent}runtime/runtime\\.ts$`, [node], ['crypto']],
  // A runtime knows the port and its own folder; no runtime knows another.
  [
    `${agent}runtime/([^/.]+)`,
    [runtimePort, `${agent}runtime/$1[/.-]`, `${agent}(files|kept)\\.ts$`, `${agent}(forwarder|probe|packages)/`, node, ...npm('yauzl')],
    '*',
  ],
  [`${agent}(forwarder|probe)/`, [`${agent}(forwarder|probe)/`, node], '*'],
  [`${agent}packages/`, [`${agent}packages/`, runtimePort, `${agent}(files|objects|required)\\.ts$`, node, ...npm('yauzl')], '*'],
  // What drivers talk to; the only part that knows their libraries' protocols.
  [
    `${agent}local/`,
    [
      `${agent}local/`,
      `${agent}(files|objects|required|packages/local-door)\\.ts$`,
      runtimePort,
      node,
      ...npm('@homebridge/dbus-native', 'aedes'),
    ],
    '*',
  ],
  // Only these two know the runtimes by name.
  [`${agent}(agent|runtimes)\\.ts$`, [agent, node, wire], '*'],
  [
    `${agent}(?!runtime/|packages/|local/|agent\\.ts|runtimes\\.ts|plan\\.ts|steps\\.ts)`,
    [`${agent}(?!runtime/)`, runtimePort, node, wire, ...npm('ws', 'ajv', 'yauzl')],
    '*',
  ],

  ['^packages/console/src/', ['^packages/console/src/', contract, ...npm('react', 'react-dom')], []],
  ['^packages/console/public/', ['^packages/console/public/'], []],
  ['^packages/cli/src/', ['^packages/cli/src/', contract, wire, ...npm('ws')], '*'],
]

const allowed = table.flatMap(([from, to, core]) => {
  const rules = [{ from: { path: from }, to: { path: to } }]
  if (core === '*') rules.push({ from: { path: from }, to: { dependencyTypes: ['core'] } })
  else if (core.length > 0)
    rules.push({ from: { path: from }, to: { path: core.map((name) => `^(node:)?${name}$`), dependencyTypes: ['core'] } })
  return rules
})

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'tests-are-leaves',
      severity: 'error',
      from: { path: '^packages/', pathNot: '\\.(test|contract)\\.ts$' },
      to: { path: '^(test|tools|bench)/|\\.(test|contract)\\.ts$' },
    },
  ],
  allowed,
  allowedSeverity: 'error',
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.check.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/dist/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['littoral:source', 'types', 'import', 'node', 'default', 'require'],
      extensions: ['.ts', '.mjs', '.js', '.cjs', '.json', '.d.ts'],
    },
  },
}
