// What the engine says of itself.
import type { Engine } from './connection.ts'

export interface EngineInfo {
  ServerVersion: string
  Driver: string
  /** Where the engine keeps images and containers. */
  DockerRootDir?: string
  NCPU: number
  MemTotal: number
  Architecture: string
  SecurityOptions?: string[] | null
  DriverStatus?: [string, string][] | null
}

export async function engineInfo(engine: Engine, signal?: AbortSignal): Promise<EngineInfo> {
  return engine.json<EngineInfo>({ path: '/info', timeoutMs: 15_000, signal })
}

/** Containers of a rootless engine have no address the node can reach. */
export function isRootless(info: EngineInfo): boolean {
  return (info.SecurityOptions ?? []).some((option) => option.includes('rootless'))
}
