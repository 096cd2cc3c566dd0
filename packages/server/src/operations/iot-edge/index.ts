// Every handler of the IoT edge family, complete by type. Used by http/registry.ts.
import type { operations } from '@littoral/contract/iot-edge/index'
import type { Handlers } from '@littoral/contract/operation'
import type { Context } from '../context.ts'
import * as channels from './channels.ts'
import * as deployments from './deployments.ts'
import * as deviceConfigs from './device-configs.ts'
import * as deviceRegistry from './device-registry.ts'
import * as driverVersions from './driver-versions.ts'
import * as drivers from './drivers.ts'
import * as gateways from './gateways.ts'
import * as instanceBindings from './instance-bindings.ts'
import * as instanceDevices from './instance-devices.ts'
import * as instanceDrivers from './instance-drivers.ts'
import * as instances from './instances.ts'
import * as messageRoutes from './message-routes.ts'
import * as products from './products.ts'
import * as thingCalls from './thing-calls.ts'
import * as thingData from './thing-data.ts'
import * as thingModels from './thing-models.ts'
import * as uploads from './uploads.ts'
import { inDefaultPartition } from './partition.ts'

export const handlers = inDefaultPartition({
  ...drivers.handlers,
  ...driverVersions.handlers,
  ...uploads.handlers,
  ...instances.handlers,
  ...gateways.handlers,
  ...instanceDrivers.handlers,
  ...instanceDevices.handlers,
  ...deviceConfigs.handlers,
  ...channels.handlers,
  ...deployments.handlers,
  ...messageRoutes.handlers,
  ...instanceBindings.handlers,
  ...products.handlers,
  ...deviceRegistry.handlers,
  ...thingData.handlers,
  ...thingCalls.handlers,
  ...thingModels.handlers,
}) satisfies Handlers<typeof operations, Context>
