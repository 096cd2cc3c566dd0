// The application part of `npm start`: an image made on the spot, published to staging and to production with the
// official client, until the container answers.
import { sdkCall, type Call, type Key } from '../official-clients.ts'
import { createApp, createVersion, deleteApp, publish, waitAnswer, waitPublished, waitStaging } from '../journey/app.ts'
import { makeSampleImage } from '../sample-image.ts'
import type { Memory } from './memory.ts'
import type { Screen } from './screen.ts'
import { freePort, isFree } from './settings.ts'

export interface AppPart {
  readonly screen: Screen
  readonly url: string
  readonly key: Key
  readonly engineSocket: string
  readonly memory: Memory
  readonly remember: () => void
}

export interface AppOutcome {
  readonly appId: string
  readonly address: string
  readonly answer: string
}

// An image of the node: no registry is asked which digest it is.
const imageTag = 'localhost/littoral-sample:1'
const greeting = 'Hello from the edge.\n'
const isGreeting = (text: string) => text === greeting
const firstServicePort = 8090

/** Finds the app of an earlier start still answering, or walks the whole way. */
export async function runApp(part: AppPart): Promise<AppOutcome> {
  const call = sdkCall('@alicloud/esa20240910', part.url, part.key)
  return (await findApp(call, part)) ?? walk(call, part)
}

async function findApp(call: Call, { memory, screen }: AppPart): Promise<AppOutcome | undefined> {
  const { app } = memory
  if (!app || !(await stillExists(call, app.appId))) return undefined
  const address = `http://127.0.0.1:${app.servicePort}/`
  return screen.step('the app of the last start answers', async (say) => {
    say(address)
    return { appId: app.appId, address, answer: await waitAnswer(address, isGreeting, 30_000) }
  })
}

async function stillExists(call: Call, appId: string): Promise<boolean> {
  try {
    const { AppStatus } = await call('GetEdgeContainerAppStatus', { AppId: appId })
    return (AppStatus as { DeployStatus: string }).DeployStatus === 'deployed'
  } catch {
    return false
  }
}

async function walk(call: Call, part: AppPart): Promise<AppOutcome> {
  const { screen, memory, remember } = part
  await screen.step('an image made on the spot, no pull', async (say) => {
    await makeSampleImage(part.engineSocket, { tag: imageTag, body: greeting })
    say(imageTag)
  })
  const servicePort = (await isFree('0.0.0.0', firstServicePort)) ? firstServicePort : await freePort('0.0.0.0')
  const appId = await screen.step('CreateEdgeContainerApp', async (say) => {
    const id = await createApp(call, { name: `hello-${Date.now().toString(36)}`, servicePort, targetPort: 8080 })
    say(`${id}, port ${servicePort}`)
    return id
  })
  const versionId = await screen.step('CreateEdgeContainerAppVersion', async (say) => {
    const id = await createVersion(call, { appId, name: 'version-1', image: imageTag, port: 8080 })
    say(id)
    return id
  })
  await screen.step('PublishEdgeContainerAppVersion to staging', async (say) => {
    await publish(call, { appId, versionId, environment: 'staging' })
    const [address] = (await waitStaging(call, appId)).VIPs ?? []
    await waitAnswer(`http://${address}/`, isGreeting)
    say(`${address} answers`)
  })
  await screen.step('GetEdgeContainerLogs', async (say) => {
    const { Items } = await call('GetEdgeContainerLogs', { AppId: appId, Lines: 10 })
    say(`"${(Items as string[]).at(-1) ?? ''}"`)
  })
  const address = `http://127.0.0.1:${servicePort}/`
  const answer = await screen.step('PublishEdgeContainerAppVersion to prod', async (say) => {
    await publish(call, { appId, versionId, environment: 'prod' })
    await waitPublished(call, { appId, versionId, environment: 'prod' })
    const text = await waitAnswer(address, isGreeting)
    say(`${address} answers`)
    return text
  })
  memory.app = { appId, servicePort }
  remember()
  return { appId, address, answer }
}

export async function removeApp(part: Pick<AppPart, 'url' | 'key'>, appId: string): Promise<void> {
  await deleteApp(sdkCall('@alicloud/esa20240910', part.url, part.key), appId)
}
