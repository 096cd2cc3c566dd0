// The accepted desired state, on disk and never going backwards, so that a node starts what it should without the server.
// Two files: `desired.json` and, from the moment a newer one replaces it, `desired.previous.json`. A file that cannot be
// read is set aside with its content, and the previous one is used; both cases are named conditions, not crashes.
import { link, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DesiredState } from '@littoral/contract/node/desired-state'
import { checkDesiredState } from './checks.ts'
import { hasCode, readIfPresent, writeAtomically } from './files.ts'

export interface Condition {
  readonly code: 'DesiredStateCorrupt'
  readonly message: string
}

export type Acceptance = { readonly isAccepted: true; readonly isNew: boolean } | { readonly isAccepted: false; readonly problem: string }

export class DesiredStore {
  readonly #folder: string
  #state: DesiredState | undefined
  #condition: Condition | undefined

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async open(folder: string): Promise<DesiredStore> {
    const store = new DesiredStore(folder)
    await store.#load()
    return store
  }

  /** The newest accepted state; undefined on a node that was never told anything, where nothing may be touched. */
  get state(): DesiredState | undefined {
    return this.#state
  }

  get generation(): number {
    return this.#state?.generation ?? 0
  }

  /** What was wrong on disk, until a new state has been accepted. */
  get condition(): Condition | undefined {
    return this.#condition
  }

  /** Takes a state from the server, once it is safe on disk. An older generation or a malformed state is refused. */
  async accept(value: unknown): Promise<Acceptance> {
    const checked = checkDesiredState(value)
    if (!checked.isValid) return { isAccepted: false, problem: checked.problem }
    const { generation } = checked.value
    if (this.#state && generation < this.#state.generation) {
      return { isAccepted: false, problem: `generation ${generation} is older than ${this.#state.generation}, which this node has` }
    }
    if (generation === this.#state?.generation && !this.#condition) return { isAccepted: true, isNew: false }
    await this.#keepPrevious()
    await writeAtomically(this.#path('desired.json'), JSON.stringify(checked.value))
    this.#state = checked.value
    this.#condition = undefined
    return { isAccepted: true, isNew: true }
  }

  async #load(): Promise<void> {
    const current = await this.#read('desired.json')
    if (current === undefined || typeof current !== 'string') {
      this.#state = current ?? (await this.#readPrevious())
      return
    }
    await rename(this.#path('desired.json'), this.#path('desired.corrupt.json'))
    this.#state = await this.#readPrevious()
    const instead = this.#state
      ? `generation ${this.#state.generation} is used instead`
      : 'nothing on this node is touched until the server sends it again'
    this.#condition = {
      code: 'DesiredStateCorrupt',
      message: `desired.json: ${current}; it was kept as desired.corrupt.json and ${instead}`,
    }
  }

  async #readPrevious(): Promise<DesiredState | undefined> {
    const previous = await this.#read('desired.previous.json')
    return typeof previous === 'string' ? undefined : previous
  }

  /** The state in a file, undefined without one, or what is wrong with it. */
  async #read(name: string): Promise<DesiredState | string | undefined> {
    const text = await readIfPresent(this.#path(name))
    if (text === undefined) return undefined
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      return 'not JSON'
    }
    const checked = checkDesiredState(value)
    return checked.isValid ? checked.value : checked.problem
  }

  // A link that takes the place of the older one: at every moment both names lead to a whole file.
  async #keepPrevious(): Promise<void> {
    const spare = this.#path('desired.previous.json.tmp')
    await rm(spare, { force: true })
    try {
      await link(this.#path('desired.json'), spare)
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return
      throw error
    }
    await rename(spare, this.#path('desired.previous.json'))
  }

  #path(name: string): string {
    return join(this.#folder, name)
  }
}
