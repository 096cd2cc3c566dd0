// How V8 treats what a server allocates: thousands of objects a second that all end with their request. Called once by
// main.ts, before anything else runs.
import { setFlagsFromString } from 'node:v8'

/**
 * Keeps V8 from allocating old: where many objects of one place in the code outlived a collection once, say while the
 * server filled its caches, it makes later ones of that place old from the start. Here those are dead a moment later, and
 * all they point to is copied and kept until the next full collection: pauses three times as long (docs/decisions/0020).
 */
export function keepRequestsYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring')
}
