// Holders own the network namespaces of groups. They are all alike until a group takes one, so a spare is kept running:
// setting up a network is half the time of a start, and this takes it off the way of a publish.
import { randomBytes } from 'node:crypto'
import { addressOf, createContainer, findContainer, getContainer, removeContainer, startContainer } from './client/containers.ts'
import type { Engine } from './client/connection.ts'
import { holderLabels } from './labels.ts'
import { ensureHolderImage, holderImage } from './holder-image.ts'
import type { Inventory } from './inventory.ts'
import type { EngineLink } from './link.ts'

export interface Holder {
  id: string
  address: string
}

export interface HoldersOptions {
  owner: string
  link: EngineLink
  log: (line: string) => void
  /** Told of every new holder before anybody can be given it. */
  onMade: (id: string) => void
  /** False on machines where 3 MB for an idle container are too much. */
  keepsSpare: boolean
}

/**
 * When a holder is taken, a start is under way, then a stop and a removal; the making of the next spare must not compete with
 * them for the engine. Who starts another group earlier gets one at its prepare step.
 */
const replenishDelayMs = 10_000

export class Holders {
  readonly #options: HoldersOptions
  /** Taken by starts, and when; their members may not exist yet. */
  readonly #taken = new Map<string, number>()
  /** Holders being made, which have no id yet; until they have one, none that looks idle may be touched. */
  #making = 0
  #spare: Promise<Holder> | undefined
  #spareId: string | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: HoldersOptions) {
    this.#options = options
  }

  /** A running holder that belongs to the caller from now on. */
  async take(engine: Engine, signal: AbortSignal): Promise<Holder> {
    const candidate = this.#spare
    if (this.#spareId !== undefined) this.#taken.set(this.#spareId, performance.now())
    this.#spare = undefined
    this.#spareId = undefined
    const ready = await candidate?.catch(() => undefined)
    if (ready !== undefined) this.#taken.set(ready.id, performance.now())
    if (ready !== undefined && (await findContainer(engine, ready.id, { signal }))?.State.Running === true) return ready
    // It ended with its engine: nobody's any more, so that the next look clears it away.
    if (ready !== undefined) this.#taken.delete(ready.id)
    return this.#make(engine, signal)
  }

  /** Gives a holder back whose start failed; the next look removes it where this moment's engine cannot. */
  giveBack(id: string): void {
    this.#taken.delete(id)
  }

  /** Makes a spare one in the background, unless there is one. */
  replenish(delayMs = replenishDelayMs): void {
    if (!this.#options.keepsSpare || this.#spare !== undefined) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#makeSpare(), delayMs)
    this.#timer.unref()
  }

  /** Told at every look: a holder that no container uses becomes the spare one, surplus ones are removed. */
  reconcile(engine: Engine, { holders, askedAtMs }: Inventory, used: ReadonlySet<string>): void {
    if (this.#making > 0) return
    for (const [id, takenAtMs] of this.#taken) {
      // A look that began before it was made cannot know of it.
      const isGone = !holders.has(id) && askedAtMs > takenAtMs
      if (isGone || used.has(id)) this.#taken.delete(id)
    }
    for (const details of holders.values()) {
      const { Id, State, Config } = details
      if (Id === this.#spareId && !State.Running) this.#spare = this.#spareId = undefined
      if (used.has(Id) || this.#taken.has(Id) || Id === this.#spareId) continue
      const address = addressOf(details)
      const isFit = State.Running && address !== undefined && Config.Image === holderImage
      if (isFit && this.#spare === undefined && this.#options.keepsSpare) {
        this.#spareId = Id
        this.#spare = Promise.resolve({ id: Id, address })
      } else {
        removeContainer(engine, Id).catch(() => {})
      }
    }
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  async #make(engine: Engine, signal?: AbortSignal): Promise<Holder> {
    this.#making += 1
    try {
      const holder = await makeHolder(engine, this.#options.owner, signal)
      this.#taken.set(holder.id, performance.now())
      this.#options.onMade(holder.id)
      return holder
    } finally {
      this.#making -= 1
    }
  }

  async #makeSpare(): Promise<void> {
    if (this.#spare !== undefined) return
    const making = this.#options.link.get().then(({ engine }) => this.#make(engine))
    this.#spare = making
    try {
      const { id } = await making
      // A start that was in a hurry may have taken it while it was being made.
      if (this.#spare !== making) return
      this.#spareId = id
      this.#taken.delete(id)
    } catch (error) {
      if (this.#spare === making) this.#spare = undefined
      this.#options.log(`no spare holder could be made: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

async function makeHolder(engine: Engine, owner: string, signal?: AbortSignal): Promise<Holder> {
  await ensureHolderImage(engine, signal)
  const name = `littoral-holder-${randomBytes(6).toString('hex')}`
  const spec = {
    Image: holderImage,
    Hostname: name.replace('littoral-holder', 'group'),
    Labels: holderLabels(owner),
    HostConfig: {
      RestartPolicy: { Name: 'no' as const },
      IpcMode: 'shareable',
      CapDrop: ['ALL'],
      ReadonlyRootfs: true,
      Memory: 16 * 1024 * 1024,
    },
  }
  const id = await createContainer(engine, name, spec, signal)
  try {
    await startContainer(engine, id, signal)
    const address = addressOf(await getContainer(engine, id, signal))
    if (address === undefined) throw new Error('the engine gave the holder no address')
    return { id, address }
  } catch (error) {
    await removeContainer(engine, id).catch(() => {})
    throw error
  }
}
