// Uploads: hand out an address in the object store.
import * as operations from '@littoral/contract/iot-edge/uploads'
import type { Handlers } from '@littoral/contract/operation'
import { uploadLifeMs } from '../../domain/driver-version.ts'
import { invalidParam } from '../../domain/invalid-param.ts'
import { parseUpload } from '../../domain/upload.ts'
import * as drivers from '../../store/iot-edge/drivers.ts'
import * as instances from '../../store/iot-edge/edge-instances.ts'
import * as objects from '../../store/iot-edge/objects.ts'
import type { Context } from '../context.ts'

export const handlers = {
  async CreateEdgeOssPreSignedAddress({ Type, ResourceId, ResourceVersion, FileName, InstanceId }, ctx) {
    const { accountId } = ctx.principal
    const nowMs = ctx.now()
    const isForInstance = Type === 'INSTANCE_DRIVER_VERSION_CONFIG'
    if (isForInstance && !InstanceId) throw invalidParam('InstanceId', `is needed when Type is ${Type}.`)
    const name = parseUpload({ type: Type, version: ResourceVersion, fileName: FileName })
    const key = `driver/${accountId}/${Type}/${ResourceId}/${ResourceVersion}/${nowMs}/${name}`
    await ctx.store.write(async (tx) => {
      await drivers.get(tx, accountId, ResourceId)
      if (InstanceId) await instances.get(tx, accountId, InstanceId)
      objects.insert(tx, { key, accountId, origin: ctx.origin, nowMs })
    })
    return {
      Data: {
        OssAddress: ctx.objects.address(ctx.origin, key),
        OssPreSignedAddress: ctx.objects.presign(ctx.origin, 'PUT', key, nowMs + uploadLifeMs),
      },
    }
  },
} satisfies Handlers<typeof operations, Context>
