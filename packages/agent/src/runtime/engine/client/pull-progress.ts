// How far a pull is, from the stream of progress objects that the engine sends. Docker and Podman tell the same story in
// slightly different words; a layer of Podman is done when it is downloaded.

export interface PullProgress {
  readonly layersDone: number
  readonly layersTotal: number
  readonly doneBytes: number
  /** Undefined while the size of a layer is unknown. */
  readonly totalBytes: number | undefined
}

interface Layer {
  doneBytes: number
  totalBytes: number | undefined
  isDone: boolean
}

/** No image has as many; what names more is not believed. */
const mostLayers = 1000

const doneWords = new Set(['Pull complete', 'Already exists'])
const stepWords = new Set(['Pulling fs layer', 'Waiting', 'Downloading', 'Verifying Checksum', 'Download complete', 'Extracting'])

/** `isPodman`: its layers are done when they are downloaded. */
export class PullTracker {
  readonly #layers = new Map<string, Layer>()
  readonly #isPodman: boolean

  constructor(isPodman: boolean) {
    this.#isPodman = isPodman
  }

  /** Takes one object of the stream; true when it told something new. */
  take(entry: unknown): boolean {
    const { id, status, progressDetail } = (entry ?? {}) as { id?: unknown; status?: unknown; progressDetail?: unknown }
    if (typeof id !== 'string' || typeof status !== 'string') return false
    const isDone = doneWords.has(status) || (this.#isPodman && status === 'Download complete')
    if (!isDone && !stepWords.has(status)) return false
    const layer = this.#layers.get(id) ?? { doneBytes: 0, totalBytes: undefined, isDone: false }
    if (!this.#layers.has(id) && this.#layers.size >= mostLayers) return false
    this.#layers.set(id, layer)
    const { current, total } = (progressDetail ?? {}) as { current?: unknown; total?: unknown }
    if (status === 'Downloading') {
      if (isCount(total) && total > 0) layer.totalBytes = total
      if (isCount(current)) layer.doneBytes = layer.totalBytes === undefined ? current : Math.min(current, layer.totalBytes)
    }
    // What was never seen downloading was small, or is here already: it adds nothing.
    if (isDone || status === 'Download complete') layer.doneBytes = layer.totalBytes ??= layer.doneBytes
    layer.isDone ||= isDone
    return true
  }

  now(): PullProgress {
    const layers = [...this.#layers.values()]
    const sizes = layers.map(({ totalBytes }) => totalBytes)
    return {
      layersDone: layers.filter(({ isDone }) => isDone).length,
      layersTotal: layers.length,
      doneBytes: layers.reduce((sum, { doneBytes }) => sum + doneBytes, 0),
      totalBytes: sizes.every((size) => size !== undefined) ? sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0) : undefined,
    }
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
