// A container of a version: its fields as they were sent, and the rules between them (contract: esa-edge-container §6.2,
// §6.3). Pure. Every string is kept exactly as received; workload.ts reads them for running.
import { Fault } from '@littoral/contract/errors'
import { parseHeaders, requireEnv, requireImage } from './container-text.ts'
import { parseHook, requireCommandLine, splitCommandLine } from './command-line.ts'
import { hostOf, imageOf } from './image-reference.ts'
import type { Settings } from './settings.ts'

export const containerSpecs = ['1C2G', '2C4G', '2C8G', '4C8G', '4C16G', '8C16G', '8C32G'] as const
export type ContainerSpec = (typeof containerSpecs)[number]
export type ContainerStorage = '0.5G' | '10G' | '20G' | '30G'
export type ProbeKind = 'exec' | 'tcpSocket' | 'httpGet'

export interface AcrImage {
  readonly domain?: string
  readonly instanceId?: string
  readonly isEnterpriseRegistry?: boolean
  readonly regionId?: string
  readonly repoId?: string
  readonly repoName?: string
  readonly repoNamespace?: string
  readonly tag?: string
  readonly tagUrl?: string
}

/** What was sent, without defaults; keys of another probe type are kept and not used. */
export interface ProbeSettings {
  readonly command?: string
  readonly failureThreshold?: number
  readonly host?: string
  readonly httpHeaders?: string
  readonly initialDelaySeconds?: number
  readonly path?: string
  readonly periodSeconds?: number
  readonly port?: number
  readonly scheme?: string
  readonly successThreshold?: number
  readonly timeoutSeconds?: number
}

export interface Container {
  readonly name: string
  readonly image: string
  /** What the image's tag stood for when the version was made, where that is known; never part of what was asked for. */
  readonly imageDigest?: string
  /** Where an image without a registry in its name comes from; absent: docker.io. Kept, so that the version means the same for ever. */
  readonly registry?: string
  readonly isAcrImage: boolean
  readonly acrImage?: AcrImage
  readonly spec: ContainerSpec
  readonly storage: ContainerStorage
  readonly command?: string
  readonly args?: string
  readonly env?: string
  readonly postStart?: string
  readonly preStop?: string
  readonly probeKind: ProbeKind
  readonly probe: ProbeSettings
}

/** A container whose IsACRImage and Storage may be missing, which only a lenient installation accepts. */
export type ContainerDraft = Omit<Container, 'isAcrImage' | 'storage' | 'registry'> & Partial<Pick<Container, 'isAcrImage' | 'storage'>>

type ContainerSettings = Pick<Settings, 'isContainerLenient' | 'defaultRegistry'>

/**
 * Checks every container by itself and fills in what a lenient installation leaves out. Faults name the path, such as
 * `Containers[1].ProbeContent.Port`: InvalidParameter, InvalidParameter.Image, InvalidParameter.HttpHeaders.
 */
export function newContainers(drafts: readonly ContainerDraft[], settings: ContainerSettings): Container[] {
  if (drafts.length === 0) throw new Fault('InvalidParameter', { Detail: 'Containers: at least one is required.' })
  return drafts.map((draft, index) => newContainer(draft, `Containers[${index}]`, settings))
}

/** Throws ParameterAlreadyExist naming both places when two containers have one name. */
export function requireUniqueNames(containers: readonly Container[]): void {
  const places = new Map<string, number>()
  for (const [index, { name }] of containers.entries()) {
    const first = places.get(name)
    if (first !== undefined) {
      throw new Fault('ParameterAlreadyExist', { Detail: `Containers[${index}].Name: ${name} is also the name of Containers[${first}].` })
    }
    places.set(name, index)
  }
}

function newContainer(draft: ContainerDraft, where: string, settings: ContainerSettings): Container {
  const invalid = (field: string, rule: string) => new Fault('InvalidParameter', { Detail: `${where}.${field}: ${rule}` })
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(draft.name)) {
    throw invalid('Name', 'lower-case letters, digits and inner hyphens, 1 to 63 characters.')
  }
  requireImage(draft.image, `${where}.Image`)
  if (draft.acrImage?.tagUrl) requireImage(draft.acrImage.tagUrl, `${where}.ACRImageInfo.TagUrl`)
  if (draft.isAcrImage) requireImage(imageOf(draft), `${where}.ACRImageInfo`)
  if (!settings.isContainerLenient) {
    if (draft.isAcrImage === undefined) throw invalid('IsACRImage', 'required.')
    if (draft.storage === undefined) throw invalid('Storage', 'required.')
  }
  requireCommandLine(draft.command ?? '', `${where}.Command`)
  requireCommandLine(draft.args ?? '', `${where}.Args`)
  requireEnv(draft.env ?? '', `${where}.EnvVariables`)
  parseHook(draft.postStart ?? '', `${where}.PostStart`)
  parseHook(draft.preStop ?? '', `${where}.PreStop`)
  requireProbe(draft, `${where}.ProbeContent`)
  const container = { isAcrImage: false, storage: '0.5G', ...draft } as const satisfies Container
  const registry = registryFor(draft, settings)
  return registry === undefined ? container : { registry, ...container }
}

function registryFor(draft: ContainerDraft, { defaultRegistry }: ContainerSettings): string | undefined {
  const isOpen = defaultRegistry !== undefined && defaultRegistry !== 'docker.io' && hostOf(imageOf(draft)) === ''
  return isOpen ? defaultRegistry : undefined
}

/** Keys that the probe's type needs; the others are not looked at. */
function requireProbe({ probeKind, probe }: ContainerDraft, where: string): void {
  const invalid = (rule: string) => new Fault('InvalidParameter', { Detail: `${where}.${rule}` })
  if (probeKind === 'exec') {
    if (splitCommandLine(probe.command ?? '', `${where}.Command`).length === 0) throw invalid('Command: required for ProbeType exec.')
    return
  }
  if (probe.port === undefined) throw invalid(`Port: required for ProbeType ${probeKind}.`)
  if (probe.port < 1 || probe.port > 65_535) throw invalid('Port: 1 to 65535.')
  if (probeKind === 'httpGet') {
    if (probe.scheme && !/^https?$/i.test(probe.scheme)) throw invalid('Scheme: one of http, https.')
    if (probe.path && !probe.path.startsWith('/')) throw invalid('Path: has to begin with /.')
    // A request line is made of it, so nothing in it may end the line or the word.
    if (probe.path && !/^[!-~]+$/.test(probe.path)) throw invalid('Path: blanks and everything outside ASCII have to be percent-encoded.')
    parseHeaders(probe.httpHeaders ?? '', `${where}.HttpHeaders`)
  }
  if (probe.host && !/^[A-Za-z0-9.:_[\]-]+$/.test(probe.host)) throw invalid('Host: a host name or an address.')
}
