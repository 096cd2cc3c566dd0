// Uploads: hand out an address in the object store.
import * as operations from '@littoral/contract/iot-edge/uploads'
import type { Handlers } from '@littoral/contract/operation'
import { uploadLifeMs } from '../../domain/driver-version.ts'
import { invalidParam } from '../../domain/invalid-param.ts'
import { parseUpload } from '../../domain/upload.ts'
import * as drivers from '../../store/iot-edge/drivers.ts'
import * as instances from '../../store/iot-edge/edge-instances.ts'
import * as objects from '../../store/iot-edge/objects.ts'
import type { ReadTx } from '../../store/store.ts'
import type { Context } from '../context.ts'

export const handlers = {
  async CreateEdgeOssPreSignedAddress({ Type, ResourceId, ResourceVersion, FileName, InstanceId }, ctx) {
    const { accountId } = ctx.principal
    const nowMs = ctx.now()
    const isForInstance = Type === 'INSTANCE_DRIVER_VERSION_CONFIG'
    if (isForInstance && !InstanceId) throw invalidParam('InstanceId', `is needed when Type is ${Type}.`)
    const name = parseUpload({ type: Type, version: ResourceVersion, fileName: FileName })
    const folder = `driver/${accountId}/${Type}/${ResourceId}/${ResourceVersion}`
    const key = await ctx.store.write(async (tx) => {
      await drivers.get(tx, accountId, ResourceId)
      if (InstanceId) await instances.get(tx, accountId, InstanceId)
      const free = await freeKey(tx, { folder, name, nowMs })
      objects.insert(tx, { key: free, accountId, origin: ctx.origin, nowMs })
      return free
    })
    return {
      Data: {
        OssAddress: ctx.objects.address(ctx.origin, key),
        OssPreSignedAddress: ctx.objects.presign(ctx.origin, 'PUT', key, nowMs + uploadLifeMs),
      },
    }
  },
} satisfies Handlers<typeof operations, Context>

/** Each call gets a key of its own, so that earlier uploads stay untouched; also where two calls come in one millisecond. */
async function freeKey(tx: ReadTx, { folder, name, nowMs }: { folder: string; name: string; nowMs: number }): Promise<string> {
  let atMs = nowMs
  while ((await objects.find(tx, `${folder}/${atMs}/${name}`)) !== undefined) atMs++
  return `${folder}/${atMs}/${name}`
}
