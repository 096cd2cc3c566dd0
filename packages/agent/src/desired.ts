// The accepted desired state, on disk and never going backwards, so that a node starts what it should without the server.
// Two files: `desired.json` and, from the moment a newer one replaces it, `desired.previous.json`, each with its checksum. A
// file that is not whole is set aside with its content, and the previous one is used: a named condition, not a crash. A disk
// that takes nothing does not keep the node from doing what it is told: the state counts, and is written later.
import { join } from 'node:path'
import type { DesiredState } from '@littoral/contract/node/desired-state'
import { checkDesiredState } from './checks.ts'
import { type DiskNotes, Kept } from './kept.ts'

export interface Condition {
  readonly code: 'DesiredStateCorrupt'
  readonly message: string
}

export type Acceptance = { readonly isAccepted: true; readonly isNew: boolean } | { readonly isAccepted: false; readonly problem: string }

export interface DesiredStoreOptions {
  readonly disk?: DiskNotes
}

/** Told before a newer state is written: what depends on the change has to be on disk first. */
type OnAccepting = (before: DesiredState | undefined, after: DesiredState) => Promise<void>

export class DesiredStore {
  readonly #kept: Kept<DesiredState>

  private constructor(kept: Kept<DesiredState>) {
    this.#kept = kept
  }

  static async open(folder: string, { disk }: DesiredStoreOptions = {}): Promise<DesiredStore> {
    const path = join(folder, 'desired.json')
    return new DesiredStore(await Kept.open({ path, what: 'the desired state', check: checkDesiredState, copy: 'earlier', disk }))
  }

  /** The newest accepted state; undefined on a node that was never told anything, where nothing may be touched. */
  get state(): DesiredState | undefined {
    return this.#kept.value
  }

  get generation(): number {
    return this.state?.generation ?? 0
  }

  /** What was wrong on disk, until a new state has been accepted. */
  get condition(): Condition | undefined {
    const { damage } = this.#kept
    if (damage === undefined) return undefined
    const instead = this.state
      ? `generation ${this.state.generation} is used instead`
      : 'nothing on this node is touched until the server sends it again'
    return { code: 'DesiredStateCorrupt', message: `${damage}${damage.includes(';') ? ' and ' : '; '}${instead}` }
  }

  /** Takes a state from the server. An older generation or a malformed state is refused. */
  async accept(value: unknown, onAccepting?: OnAccepting): Promise<Acceptance> {
    const checked = checkDesiredState(value)
    if (!checked.isValid) return { isAccepted: false, problem: checked.problem }
    const { generation } = checked.value
    if (this.state && generation < this.state.generation) {
      return { isAccepted: false, problem: `generation ${generation} is older than ${this.state.generation}, which this node has` }
    }
    if (generation === this.state?.generation && !this.condition) return { isAccepted: true, isNew: false }
    await onAccepting?.(this.state, checked.value)
    await this.#kept.set(checked.value)
    return { isAccepted: true, isNew: true }
  }
}
