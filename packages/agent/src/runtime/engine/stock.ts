// What the engine runtime keeps on the disk apart from instances: images it pulled, and the packages of drivers.
import type { Workload } from '@littoral/contract/node/desired-state'
import { normalizeImageName } from '@littoral/contract/node/image-name'
import { pinnedImage } from '@littoral/contract/node/image-pin'
import type { Stock, StockItem } from '../runtime.ts'
import type { EngineContext } from './context.ts'

const imagePrefix = 'image '

export function engineStock(context: EngineContext): Stock {
  const { drivers, puller } = context
  return {
    needs: (workload) => [...imagesOf(context, workload).map((name) => imagePrefix + name), ...(drivers?.stock.needs(workload) ?? [])],
    list: async (signal) => [...(await listImages(context, signal)), ...((await drivers?.stock.list(signal)) ?? [])],
    async discard(id, signal) {
      if (!id.startsWith(imagePrefix)) return drivers?.stock.discard(id, signal)
      const { engine } = await context.link.get(signal)
      await puller.remove(engine, id.slice(imagePrefix.length), signal)
    },
    async folders(signal) {
      const { info } = await context.link.get(signal)
      return [...(info.DockerRootDir === undefined ? [] : [info.DockerRootDir]), ...((await drivers?.stock.folders(signal)) ?? [])]
    },
  }
}

/** Full names of the images that a workload runs in. */
export function imagesOf({ driverImages }: Pick<EngineContext, 'driverImages'>, workload: Workload): string[] {
  if (workload.kind === 'group') return workload.containers.map((container) => normalizeImageName(pinnedImage(container)))
  return workload.container === undefined ? [] : [normalizeImageName(driverImages[workload.runtime])]
}

async function listImages(context: EngineContext, signal: AbortSignal): Promise<StockItem[]> {
  const connected = await context.link.get(signal)
  const { instances } = await context.inventory.read(connected, signal)
  const used = new Set(
    [...instances.values()].flatMap((members) => [...members.values()].map(({ Config }) => normalizeImageName(Config.Image))),
  )
  const images = await context.puller.list(connected.engine, signal)
  return images.map(({ name, sizeBytes }) => ({ id: imagePrefix + name, name, sizeBytes, isInUse: used.has(name) }))
}
