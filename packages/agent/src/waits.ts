// Waits that end: every one has a limit, and says so with a TimeoutError.

/** Runs work with a signal that aborts after the limit or with the parent, and does not wait for work that ignores it. */
export async function limited<T>(work: (signal: AbortSignal) => Promise<T>, limitMs: number, parent: AbortSignal): Promise<T> {
  // Not AbortSignal.any: on Node 20 a long-lived parent keeps a trace of every signal made from it.
  const abort = new AbortController()
  const onParent = () => abort.abort(parent.reason)
  const timer = setTimeout(() => abort.abort(new DOMException(`no answer within ${limitMs / 1000} s`, 'TimeoutError')), limitMs)
  parent.addEventListener('abort', onParent, { once: true })
  if (parent.aborted) onParent()
  const aborted = new Promise<never>((_resolve, reject) => {
    const fail = () => reject(abort.signal.reason as Error)
    if (abort.signal.aborted) fail()
    else abort.signal.addEventListener('abort', fail, { once: true })
  })
  try {
    return await Promise.race([work(abort.signal), aborted])
  } finally {
    clearTimeout(timer)
    parent.removeEventListener('abort', onParent)
  }
}

/** Whether the work is over before the limit; its outcome does not matter. */
export async function endsWithin(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), limitMs)
  })
  const over = work.then(
    () => true,
    () => true,
  )
  try {
    return await Promise.race([over, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Waits, and ends early without an error when the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end, { once: true })
  })
}
