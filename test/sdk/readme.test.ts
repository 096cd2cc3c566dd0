// The first lines of code that a reader copies from the README, run as they are against a real server.
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { expect, it } from 'vitest'
import { openTestServer } from '../test-server.ts'

it('works as it is written there once address and key are put in', async () => {
  const server = await openTestServer()
  const page = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
  const [, code = ''] = /```js\n([^`]*)```/.exec(page) ?? []
  const own = code
    .replace("'LTAI…'", JSON.stringify(server.key.accessKeyId))
    .replace("'…'", JSON.stringify(server.key.accessKeySecret))
    .replace('127.0.0.1:8080', new URL(server.url).host)
    .replace(/^client\./m, 'return client.')
  // The page is ours, and a test that rewrote the example instead of running it would not notice that it is wrong.
  // oxlint-disable-next-line typescript/no-implied-eval
  const run = new Function('require', own) as (require: NodeJS.Require) => Promise<{ body: { appId: string } }>
  try {
    expect((await run(createRequire(import.meta.url))).body.appId).toMatch(/^app-\d+$/)
  } finally {
    await server.close()
  }
})
