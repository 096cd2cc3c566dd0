// The status page in a real browser: sign in, see what runs, on a wide and on a narrow screen, sign out. Found by roles and
// names only. Runs where a Chromium is installed.
import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp } from '../../tools/journey/app.ts'
import { sdkCall } from '../../tools/official-clients.ts'
import { openTestServer, type TestServer } from '../test-server.ts'

const executablePath = process.env['LITTORAL_TEST_CHROMIUM'] ?? '/usr/bin/chromium'

describe.runIf(existsSync(executablePath))('the status page', () => {
  let server: TestServer
  let browser: Browser

  beforeAll(async () => {
    server = await openTestServer({ withNode: true })
    await createApp(sdkCall('@alicloud/esa20240910', server.url, server.key), {
      name: 'shop-frontend',
      servicePort: 8090,
      targetPort: 3000,
    })
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
  })

  afterAll(async () => {
    await browser?.close()
    await server?.close()
  })

  async function open(width: number): Promise<{ page: Page; troubles: string[] }> {
    const page = await (await browser.newContext({ viewport: { width, height: 800 } })).newPage()
    const troubles: string[] = []
    page.on('pageerror', (error) => troubles.push(error.message))
    // The browser itself notes refusals of the network; only the page's own words and broken policies count.
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) troubles.push(message.text())
    })
    await page.goto(server.url)
    return { page, troubles }
  }

  async function signIn(page: Page, secret: string): Promise<void> {
    await page.getByLabel('Access key id').fill(server.key.accessKeyId)
    await page.getByLabel('Access key secret').fill(secret)
    await page.getByRole('button', { name: 'Sign in' }).click()
  }

  it('says when the key is wrong, shows what runs when it is right, and forgets it when signed out', async () => {
    const { page, troubles } = await open(1280)
    await signIn(page, 'a-wrong-secret')
    await page.getByRole('alert').getByText('The access key id or its secret is wrong.').waitFor()
    await signIn(page, server.key.accessKeySecret)
    const nodes = page.getByRole('table', { name: 'Nodes' })
    await nodes.getByRole('columnheader', { name: 'Desired state' }).waitFor()
    await nodes.getByRole('cell', { name: 'online' }).waitFor()
    const app = page.getByRole('table', { name: 'Apps' }).getByRole('row', { name: /shop-frontend/ })
    expect(await app.innerText()).toContain('nothing published')
    for (const loop of ['rollouts', 'deployments', 'liveness', 'reaper']) {
      await page.getByRole('table', { name: 'Server loops' }).getByRole('rowheader', { name: loop }).waitFor()
    }
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await page.reload()
    await page.getByLabel('Access key secret').waitFor()
    expect(troubles).toEqual([])
  })

  it('fits a narrow screen, and a table stays a table there', async () => {
    const { page, troubles } = await open(390)
    await signIn(page, server.key.accessKeySecret)
    await page.getByRole('table', { name: 'Nodes' }).getByRole('cell', { name: 'online' }).waitFor()
    const overflow = () => page.evaluate('document.documentElement.scrollWidth - window.innerWidth')
    expect(await overflow()).toBe(0)
    expect(troubles).toEqual([])
  })
})
