// The life of drivers on the professional tier: each a container of its own on a real engine, from the image the operator names.
import { afterAll, beforeAll, describe } from 'vitest'
import { ensureEngine, type EngineHandle } from '../../tools/engine.ts'
import { makeNodeImage } from '../engine/drivers.ts'
import { openTestServer } from '../test-server.ts'
import { tellLife } from './life-story.ts'

const image = 'docker.io/littoral-test/node:1'
let engine: EngineHandle
beforeAll(async () => {
  engine = await ensureEngine()
  process.env.LITTORAL_DRIVER_IMAGE_NODEJS8 = image
  await makeNodeImage(engine.socketPath, image)
})
afterAll(async () => {
  delete process.env.LITTORAL_DRIVER_IMAGE_NODEJS8
  await engine.stop()
})

describe.each(['v3', 'v1'] as const)(
  'the life of a driver in real containers, through the official client with signature %s',
  (signature) => {
    const node = {
      runtimes: ['engine'] as const,
      get engineSocket() {
        return engine.socketPath
      },
    }
    tellLife(openTestServer, { spec: 30, signature, node }, `container_${signature}`)
  },
)
