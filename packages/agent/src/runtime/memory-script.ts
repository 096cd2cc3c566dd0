// What a workload of the memory runtime is to suffer, written in words anywhere in an image's name, in the variable
// LITTORAL_MEMORY of a container, or in a driver's name: `demo/web:never-ready`, `slow-pull-500 exit-3-after-200`.
import type { Workload } from '@littoral/contract/node/desired-state'

export interface Script {
  /** prepare takes this long. */
  readonly pullMs: number
  /** prepare fails: for now, or for good. */
  readonly pullFailure?: 'temporary' | 'permanent'
  readonly failsToStart: boolean
  /** start takes this long. */
  readonly startMs: number
  /** undefined: never. */
  readonly readyAfterMs: number | undefined
  readonly exit?: { readonly code: number; readonly afterMs: number }
  /** stop takes this long, or the grace, whichever is shorter. */
  readonly stopMs: number
  readonly failsToActivate: boolean
}

export interface ScriptedContainer {
  readonly name: string
  readonly image?: string
  readonly script: Script
}

export function scripted(workload: Workload): ScriptedContainer[] {
  if (workload.kind === 'driver') return [{ name: 'driver', script: parseScript(workload.driverName) }]
  return workload.containers.map(({ name, image, env }) => {
    const extra = env.find((variable) => variable.name === 'LITTORAL_MEMORY')?.value ?? ''
    return { name, image, script: parseScript(`${image} ${extra}`) }
  })
}

export function parseScript(text: string): Script {
  const number = (pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? 0)
  const exit = /exit-(\d+)(?:-after-(\d+))?/.exec(text)
  return {
    pullMs: number(/slow-pull-(\d+)/),
    ...(text.includes('missing-image') ? { pullFailure: 'permanent' as const } : {}),
    ...(text.includes('fail-pull') ? { pullFailure: 'temporary' as const } : {}),
    failsToStart: text.includes('fail-start'),
    startMs: number(/slow-start-(\d+)/),
    readyAfterMs: text.includes('never-ready') ? undefined : number(/ready-after-(\d+)/),
    ...(exit ? { exit: { code: Number(exit[1]), afterMs: Number(exit[2] ?? 0) } } : {}),
    stopMs: number(/slow-stop-(\d+)/),
    failsToActivate: text.includes('fail-activate'),
  }
}
