// How every test of the repository is found and run.
import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

// Vitest hands these to Node as well. With `import` or `module` among them a CommonJS package would be given the ESM form of
// its dependencies, so they stay out: both sides add `import` or `require` by themselves, as the caller needs.
const conditions = ['littoral:source', 'node']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts', 'bench/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // On a machine that is not ours a test may meet a pause that none of ours has. It is repeated once, which the report shows, so that
    // one such pause does not hide what became of all the others. At home it fails, and is a bug.
    retry: process.env['CI'] === undefined ? 0 : 1,
    // One fewer than the processors is the default, which leaves one on small machines; most tests wait more than they work.
    maxWorkers: Math.max(3, availableParallelism() - 1),
  },
})
