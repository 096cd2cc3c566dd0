// Which image a container asks for: the one reference that nodes pull and registries are asked about, out of all the ways in which
// a version can name it (contract: esa-edge-container §6.2). Pure.

export interface NamedImage {
  readonly image: string
  readonly isAcrImage?: boolean
  readonly acrImage?: {
    readonly domain?: string
    readonly repoNamespace?: string
    readonly repoName?: string
    readonly tag?: string
    readonly tagUrl?: string
  }
  /** The installation's registry for names without one, as it was when the version was made; absent where that is docker.io. */
  readonly registry?: string
}

/**
 * TagUrl, where the image lies in a Container Registry and it is given; else Image. A name without a registry lies in the one that
 * Domain names, else in the installation's. InstanceId and RegionId of an enterprise instance lead to no address by themselves:
 * its Domain or TagUrl does.
 */
export function imageOf({ image, isAcrImage, acrImage, registry }: NamedImage): string {
  if (isAcrImage && acrImage?.tagUrl) return acrImage.tagUrl
  if (hostOf(image) !== '') return image
  if (isAcrImage && acrImage?.domain) return `${acrImage.domain}/${pathOf(image, acrImage)}`
  return registry === undefined ? image : `${registry}/${image}`
}

/** RepoNamespace, RepoName and Tag where they say it, else Image as it is. */
function pathOf(image: string, { repoNamespace, repoName, tag }: NonNullable<NamedImage['acrImage']>): string {
  if (!repoName) return image
  return `${repoNamespace ? `${repoNamespace}/` : ''}${repoName}${tag ? `:${tag}` : ''}`
}

/** Host and port, where the first part of the name is one. */
export function hostOf(image: string): string {
  const first = image.includes('/') ? image.slice(0, image.indexOf('/')) : ''
  return first.includes('.') || first.includes(':') || first === 'localhost' ? first : ''
}
