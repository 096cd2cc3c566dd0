import { describe, expect, it } from 'vitest'
import { imageOf, type NamedImage } from './image-reference.ts'

const acr: NamedImage = { image: 'team-a/web:1', isAcrImage: true }
const domain = 'images.example.com'

describe('the image that a container asks for', () => {
  it.each<[string, NamedImage, string]>([
    ['Image, where nothing else is said', { image: 'nginx:1' }, 'nginx:1'],
    ['Image, where IsACRImage is false', { ...acr, isAcrImage: false, acrImage: { tagUrl: 'other/web:2', domain } }, 'team-a/web:1'],
    ['TagUrl before anything else', { ...acr, acrImage: { tagUrl: `${domain}/a/b:2`, domain: 'x.example' } }, `${domain}/a/b:2`],
    ['Image, where it names its registry', { ...acr, image: `${domain}/web:1`, acrImage: { domain: 'x.example' } }, `${domain}/web:1`],
    ['Image in the registry of Domain', { ...acr, acrImage: { domain } }, `${domain}/team-a/web:1`],
    [
      'namespace, name and tag in the registry of Domain',
      { ...acr, acrImage: { domain, repoNamespace: 'b', repoName: 'app', tag: '3' } },
      `${domain}/b/app:3`,
    ],
    ['the name alone in the registry of Domain', { ...acr, acrImage: { domain, repoName: 'app' } }, `${domain}/app`],
    ['Image, where an enterprise instance is named by its id only', { ...acr, acrImage: { repoName: 'app' } }, 'team-a/web:1'],
    ['Image in the registry of the installation', { image: 'web:1', registry: 'mirror.example' }, 'mirror.example/web:1'],
    ['Image with a port in the registry', { image: 'host:5000/web:1', registry: 'mirror.example' }, 'host:5000/web:1'],
    ['an image of the node', { image: 'localhost/web:1', registry: 'mirror.example' }, 'localhost/web:1'],
  ])('is %s', (_what, named, wanted) => {
    expect(imageOf(named)).toBe(wanted)
  })
})
