// An application's way from its creation to an answer from a running container, through whichever client `call` stands
// for. `npm start` and the tests walk it.
import type { Call } from '../official-clients.ts'
import { until } from './wait.ts'

export type Environment = 'staging' | 'prod'

interface AppStatus {
  readonly DeployStatus: string
  readonly DeployedVersion?: string
  readonly PublishStatus?: string
}

export interface StagingStatus {
  readonly Phase: string
  readonly Ready: string
  readonly VIPs?: readonly string[]
}

export async function createApp(call: Call, app: { name: string; servicePort: number; targetPort: number }): Promise<string> {
  const { AppId } = await call('CreateEdgeContainerApp', { Name: app.name, ServicePort: app.servicePort, TargetPort: app.targetPort })
  const appId = String(AppId)
  await until(`creation of ${appId}`, 10_000, async () => {
    const { App } = await call('GetEdgeContainerApp', { AppId: appId })
    return (App as { Status: string }).Status === 'created' ? true : undefined
  })
  return appId
}

export interface NewVersion {
  readonly appId: string
  readonly name: string
  readonly image: string
  readonly port: number
  readonly more?: Readonly<Record<string, unknown>>
}

/** A version of one container that is ready when its port takes connections. */
export async function createVersion(call: Call, version: NewVersion): Promise<string> {
  const container = {
    Name: 'web',
    Image: version.image,
    IsACRImage: false,
    Spec: '1C2G',
    Storage: '0.5G',
    ProbeType: 'tcpSocket',
    ProbeContent: { Port: version.port, PeriodSeconds: 1, FailureThreshold: 5 },
    ...version.more,
  }
  const { VersionId } = await call('CreateEdgeContainerAppVersion', { AppId: version.appId, Name: version.name, Containers: [container] })
  return String(VersionId)
}

export async function publish(call: Call, release: { appId: string; versionId: string; environment: Environment }): Promise<void> {
  await call('PublishEdgeContainerAppVersion', { AppId: release.appId, VersionId: release.versionId, PublishEnv: release.environment })
}

/** Waits until the environment says that this version is what it runs. */
export async function waitPublished(
  call: Call,
  release: { appId: string; versionId: string; environment: Environment },
  timeoutMs = 60_000,
): Promise<void> {
  let last: AppStatus | undefined
  const isThere = async () => {
    const { AppStatus: status } = await call('GetEdgeContainerAppStatus', { AppId: release.appId, PublishEnv: release.environment })
    last = status as AppStatus
    return last.PublishStatus === 'published' && last.DeployedVersion === release.versionId ? true : undefined
  }
  try {
    await until(`publishing to ${release.environment}`, timeoutMs, isThere)
  } catch (error) {
    throw new Error(`${(error as Error).message}; the last status was ${JSON.stringify(last)}`, { cause: error })
  }
}

/** The staging instance when it is ready; the wait ends early when it cannot become ready. */
export async function waitStaging(call: Call, appId: string, timeoutMs = 60_000): Promise<StagingStatus> {
  let last: StagingStatus | undefined
  try {
    return await until('a ready staging instance', timeoutMs, async () => {
      last = (await call('GetEdgeContainerStagingDeployStatus', { AppId: appId })) as unknown as StagingStatus
      return last.Ready === 'ok' && (last.VIPs ?? []).length > 0 ? last : undefined
    })
  } catch (error) {
    throw new Error(`${(error as Error).message}; the last status was ${JSON.stringify(last)}`, { cause: error })
  }
}

/** Deletes the app and waits until its instances are gone and it is found no more. */
export async function deleteApp(call: Call, appId: string, timeoutMs = 30_000): Promise<void> {
  await call('DeleteEdgeContainerApp', { AppId: appId })
  await until(`removal of ${appId}`, timeoutMs, async () => {
    try {
      await call('GetEdgeContainerAppStatus', { AppId: appId })
      return undefined
    } catch {
      return true
    }
  })
}

/** What answers at this address, asked until it does. */
export function waitAnswer(url: string, accepts: (text: string) => boolean, timeoutMs = 15_000): Promise<string> {
  return until(`an answer from ${url}`, timeoutMs, async () => {
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(2000) })
      const text = await answer.text()
      return answer.ok && accepts(text) ? text : undefined
    } catch {
      return undefined
    }
  })
}
