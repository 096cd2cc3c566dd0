// What an operator may set for the container engine, in the environment only: hardly any node needs it. One table serves
// reading and docs/config.md.
import { existsSync } from 'node:fs'
import type { DriverWorkload } from '@littoral/contract/node/desired-state'

type DriverRuntime = DriverWorkload['runtime']
export type DriverImages = Readonly<Record<DriverRuntime, string>>

interface Variable {
  readonly name: string
  readonly usual: string
  readonly meaning: string
}

const usualSockets = ['/var/run/docker.sock', '/run/podman/podman.sock'] as const

const socket: Variable = {
  name: 'LITTORAL_ENGINE_SOCKET',
  usual: usualSockets[0],
  meaning: `Socket of the container engine, Docker's or Podman's. Unless set ${usualSockets[1]} is used where the default is not there.`,
}

const imageFor = (runtime: DriverRuntime, usual: string): Variable => ({
  name: `LITTORAL_DRIVER_IMAGE_${runtime.toUpperCase()}`,
  usual,
  meaning: `Image that drivers of the runtime ${runtime} run in when they run in a container.`,
})

const images: Readonly<Record<DriverRuntime, Variable>> = {
  nodejs8: imageFor('nodejs8', 'node:20-slim'),
  python3: imageFor('python3', 'python:3.11-slim'),
  c: imageFor('c', 'debian:12-slim'),
  java8: imageFor('java8', 'eclipse-temurin:8-jre'),
}

export const engineVariables: readonly Variable[] = [socket, ...Object.values(images)]

/** The socket named by the operator, else Docker's, else Podman's. */
export function engineSocket(environment: NodeJS.ProcessEnv): string {
  return environment[socket.name] || (usualSockets.find((path) => existsSync(path)) ?? socket.usual)
}

export function driverImages(environment: NodeJS.ProcessEnv): DriverImages {
  const image = ({ name, usual }: Variable) => environment[name] || usual
  return { nodejs8: image(images.nodejs8), python3: image(images.python3), c: image(images.c), java8: image(images.java8) }
}
