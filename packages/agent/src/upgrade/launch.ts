// Which version of the agent runs on this node: the confirmed one, else the one before it, else the one that was started.
// Asked first of all by every start, so it reads no more of the configuration than the data folder: a newer version may have
// flags that this one does not know.
import { pathToFileURL } from 'node:url'
import { resolve } from 'node:path'
import { digestOf, isIntact, readKept, versionPath } from './kept.ts'

/** Set for an agent on trial, which is never exchanged for another one. */
export const trialVariable = 'LITTORAL_AGENT_TRIAL'

export interface Start {
  readonly args: readonly string[]
  readonly environment: NodeJS.ProcessEnv
  /** The file that was started. */
  readonly own: string
  readonly warn: (line: string) => void
}

/** Runs another version in this process where one is confirmed, and then never returns; returns when this one should run. */
export async function launchConfirmed({ args, environment, own, warn }: Start): Promise<void> {
  if (environment[trialVariable] !== undefined) return
  const dataDir = dataFolder(args, environment)
  const { confirmed, previous } = await readKept(dataDir)
  for (const version of [confirmed, previous]) {
    if (version === undefined) continue
    if ((await digestOf(own)) === version.sha256) return
    const path = versionPath(dataDir, version.sha256)
    if (!(await isIntact(dataDir, version))) {
      warn(`the agent ${version.version} is not intact in ${path}; another version is started`)
      continue
    }
    try {
      process.argv[1] = path
      await import(pathToFileURL(path).href)
      return await new Promise(() => {})
    } catch (error) {
      process.argv[1] = own
      warn(`the agent ${version.version} does not start: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

/** The data folder, however it was said. */
export function dataFolder(args: readonly string[], environment: NodeJS.ProcessEnv): string {
  const joined = args.findLast((arg) => arg.startsWith('--data='))
  const at = args.lastIndexOf('--data')
  const said = joined?.slice('--data='.length) ?? (at < 0 ? undefined : args[at + 1])
  return resolve((said || environment['LITTORAL_AGENT_DATA'] || '.littoral-agent').trim())
}
