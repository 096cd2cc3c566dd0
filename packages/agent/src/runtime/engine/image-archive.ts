// Makes a one-layer image as the archive that `POST /images/load` takes, so that no registry and no command line tool is
// needed: the holder image of every group, and sample images of demos and tests.
import { createHash } from 'node:crypto'
import { tarArchive, type TarEntry } from './tar.ts'

export interface ImageRecipe {
  /** Full names with tag. */
  tags: readonly string[]
  files: readonly TarEntry[]
  architecture: 'amd64' | 'arm64'
  entrypoint?: readonly string[]
  command?: readonly string[]
  env?: readonly string[]
  labels?: Readonly<Record<string, string>>
  workingDir?: string
  user?: string
}

/** Equal recipes give equal bytes, hence equal image ids. */
export function imageArchive(recipe: ImageRecipe): Buffer {
  const layer = tarArchive(recipe.files)
  const config = Buffer.from(
    JSON.stringify({
      architecture: recipe.architecture,
      os: 'linux',
      created: '1970-01-01T00:00:00Z',
      config: {
        Entrypoint: recipe.entrypoint ?? null,
        Cmd: recipe.command ?? null,
        Env: recipe.env ?? [],
        Labels: recipe.labels ?? {},
        WorkingDir: recipe.workingDir ?? '/',
        User: recipe.user ?? '',
      },
      rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] },
      history: [{ created: '1970-01-01T00:00:00Z', created_by: 'littoral' }],
    }),
  )
  const id = sha256(config)
  const layerPath = `${sha256(layer)}/layer.tar`
  const manifest = [{ Config: `${id}.json`, RepoTags: recipe.tags, Layers: [layerPath] }]
  return tarArchive([
    { path: `${sha256(layer)}/` },
    { path: layerPath, content: layer },
    { path: `${id}.json`, content: config },
    { path: 'manifest.json', content: Buffer.from(JSON.stringify(manifest)) },
  ])
}

const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex')
