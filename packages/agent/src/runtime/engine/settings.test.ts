// The engine's settings: which variable names what, and what holds where none is set.
import { expect, test } from 'vitest'
import { driverImages, engineSocket, engineVariables } from './settings.ts'

test('a variable that is set names the socket or the image, an empty one nothing', () => {
  expect(engineSocket({ LITTORAL_ENGINE_SOCKET: '/tmp/engine.sock' })).toBe('/tmp/engine.sock')
  expect(engineSocket({ LITTORAL_ENGINE_SOCKET: '' })).toMatch(/^\/(var\/run\/docker|run\/podman\/podman)\.sock$/)
  const images = driverImages({ LITTORAL_DRIVER_IMAGE_JAVA8: 'registry.example/java:8', LITTORAL_DRIVER_IMAGE_C: '' })
  expect(images).toMatchObject({ java8: 'registry.example/java:8', c: 'debian:12-slim', python3: 'python:3.11-slim' })
})

test('every variable is described', () => {
  expect(engineVariables.map(({ name }) => name)).toEqual([
    'LITTORAL_ENGINE_SOCKET',
    'LITTORAL_DRIVER_IMAGE_NODEJS8',
    'LITTORAL_DRIVER_IMAGE_PYTHON3',
    'LITTORAL_DRIVER_IMAGE_C',
    'LITTORAL_DRIVER_IMAGE_JAVA8',
  ])
  for (const { meaning } of engineVariables) expect(meaning).toMatch(/^[A-Z].*\.$/)
})
