// The connection to the engine over its life: opened on first use, opened anew (with another API version, perhaps) after
// the engine was away.
import { openEngine, type Engine } from './client/connection.ts'
import { EngineError, isEngineError } from './client/engine-error.ts'
import { engineInfo, isRootless, type EngineInfo } from './client/system.ts'

export interface ConnectedEngine {
  engine: Engine
  info: EngineInfo
}

export interface EngineLink {
  /** Throws EngineError unreachable, or the reason why this engine is of no use. */
  get(signal?: AbortSignal): Promise<ConnectedEngine>
  /** Why the engine could not be reached last time; undefined while it could. */
  readonly failure: string | undefined
  /** To be told of errors of calls, so that a lost engine is connected to anew. */
  noteFailure(error: unknown): void
  close(): void
}

/** `findSocket` is asked before every attempt: an engine may be installed after the agent. */
export function openLink(findSocket: () => string): EngineLink {
  let connecting: Promise<ConnectedEngine> | undefined
  let failure: string | undefined
  return {
    get failure() {
      return failure
    },
    async get(signal) {
      signal?.throwIfAborted()
      connecting ??= connect(findSocket())
      try {
        const connected = await connecting
        failure = undefined
        return connected
      } catch (error) {
        connecting = undefined
        failure = error instanceof Error ? error.message : String(error)
        throw error
      }
    },
    noteFailure(error) {
      if (!isEngineError(error, 'unreachable')) return
      failure = error.message
      connecting?.then(
        ({ engine }) => engine.close(),
        () => {},
      )
      connecting = undefined
    },
    close() {
      connecting?.then(
        ({ engine }) => engine.close(),
        () => {},
      )
    },
  }
}

async function connect(socketPath: string): Promise<ConnectedEngine> {
  const engine = await openEngine({ socketPath })
  const info = await engineInfo(engine)
  if (!isRootless(info)) return { engine, info }
  engine.close()
  throw new EngineError(0, 'the container engine runs rootless; its containers have no address that the node can reach')
}
