// The doors through which others than nodes reach streams of nodes: terminals and followed logs. Opened by server.ts.
import type { FastifyInstance } from 'fastify'
import type { Doors } from './hub.ts'
import { LogDoor, logPath } from './log-door.ts'
import { TerminalDoor, terminalPath, type TerminalServices } from './terminal-door.ts'

export interface OpenDoors {
  readonly upgrades: Doors
  mount(app: FastifyInstance): void
  /** Ends every stream. */
  stop(): Promise<void>
}

export function openDoors(services: TerminalServices): OpenDoors {
  const logs = new LogDoor(services)
  const terminals = new TerminalDoor(services)
  return {
    upgrades: new Map([
      [terminalPath, (upgrade) => terminals.upgrade(upgrade)],
      [logPath, (upgrade) => logs.upgrade(upgrade)],
    ]),
    mount: (app) => logs.mount(app),
    async stop() {
      logs.stop()
      await terminals.stop()
    },
  }
}
