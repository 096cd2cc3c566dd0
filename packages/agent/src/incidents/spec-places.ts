// A workload as a list of places and what stands there, to tell two versions apart without giving secrets away: values of
// environment variables, headers of probes and configurations of drivers are there as digests only. Pure.
import { createHmac } from 'node:crypto'
import type { DriverWorkload, GroupContainer, GroupWorkload, Workload } from '@littoral/contract/node/desired-state'
import type { SpecChange } from '@littoral/contract/node/incident'
import { type Mask, maskFor } from './mask.ts'

/** Path → what stands there. A text that begins with `#` is a digest. */
export type SpecPlaces = Readonly<Record<string, string>>

const mostPlaces = 400
const mostChanges = 200
const longestText = 300

/** `key`: of this node, so that a digest cannot be looked up anywhere. */
export function specPlaces(workload: Workload, key: string): SpecPlaces {
  const mask = maskFor([workload])
  const places = workload.kind === 'group' ? groupPlaces(workload, key) : driverPlaces(workload, key)
  const told = places.filter(([, value]) => value !== undefined).slice(0, mostPlaces)
  return Object.fromEntries(told.map(([path, value]) => [path.slice(0, longestText), toText(value, mask)]))
}

type Place = readonly [path: string, value: unknown]

function groupPlaces({ containers, ports, graceSeconds }: GroupWorkload, key: string): Place[] {
  return [
    ...containers.flatMap((container) => containerPlaces(container, key)),
    ...ports.map(({ servicePort, targetPort }): Place => [`ports.${servicePort}`, targetPort]),
    ['graceSeconds', graceSeconds],
  ]
}

function containerPlaces({ name, env, probe, ...rest }: GroupContainer, key: string): Place[] {
  const { headers = [], ...probed } = probe ?? {}
  const at = `containers.${name}`
  return [
    ...Object.entries(rest).map(([field, value]): Place => [`${at}.${field}`, value]),
    ...env.map((variable): Place => [`${at}.env.${variable.name}`, digest(variable.value, key)]),
    ...Object.entries(probed).map(([field, value]): Place => [`${at}.probe.${field}`, value]),
    ...headers.map((header): Place => [`${at}.probe.headers.${header.name}`, digest(header.value, key)]),
  ]
}

function driverPlaces(workload: DriverWorkload, key: string): Place[] {
  const { driverName, runtime, cpuArch, edgeVersion, config, files, package: content, container } = workload
  return [
    ...Object.entries({ driverName, runtime, cpuArch, edgeVersion, arguments: workload.arguments, package: content?.sha256 }),
    ['config', digest(config, key)],
    ...files.map((file): Place => [`files.${file.name}`, file.sha256]),
    ...Object.entries(container ?? {}).map(([field, value]): Place => [`container.${field}`, value]),
  ]
}

/** Where they differ, in the order of the newer one. What is there as a digest shows only that it is another one. */
export function specChanges(before: SpecPlaces, after: SpecPlaces): { changes: SpecChange[]; isCut: boolean } {
  const paths = [...Object.keys(after), ...Object.keys(before).filter((path) => !(path in after))]
  const changes = paths.filter((path) => before[path] !== after[path]).map((path) => toChange(path, before[path], after[path]))
  return { changes: changes.slice(0, mostChanges), isCut: changes.length > mostChanges }
}

function toChange(path: string, before: string | undefined, after: string | undefined): SpecChange {
  const isHidden = before?.startsWith('#') || after?.startsWith('#')
  const side = (text: string, other: string | undefined) => (isHidden ? (other === undefined ? '[hidden]' : '[hidden, another]') : text)
  return {
    path,
    ...(before === undefined ? {} : { before: side(before, after) }),
    ...(after === undefined ? {} : { after: side(after, before) }),
  }
}

function digest(value: string, key: string): string {
  return `#${createHmac('sha256', key).update(value).digest('hex').slice(0, 16)}`
}

function toText(value: unknown, mask: Mask): string {
  // Commands and arguments as one would type them: a flag and its value stand side by side, where the mask can see both.
  const isLine = Array.isArray(value) && value.every((part) => typeof part === 'string')
  const text = mask(typeof value === 'string' ? value : isLine ? value.join(' ') : JSON.stringify(value))
  return text.length > longestText ? `${text.slice(0, longestText - 1)}…` : text
}
