// The Link IoT Edge family: product iot, version 2018-01-20, with the part of the device registry a gateway needs.
import type { Family } from '../operation.ts'
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

export const operations = {
  ...drivers,
  ...driverVersions,
  ...uploads,
  ...instances,
  ...gateways,
  ...instanceDrivers,
  ...instanceDevices,
  ...deviceConfigs,
  ...channels,
  ...deployments,
  ...messageRoutes,
  ...instanceBindings,
  ...products,
  ...deviceRegistry,
  ...thingData,
  ...thingCalls,
  ...thingModels,
}

export const family = {
  product: 'iot',
  version: '2018-01-20',
  title: 'Link IoT Edge',
  envelope: 'iot',
  invalid: 'iot.common.InvalidParam',
  missing: 'Missing',
  operations,
} satisfies Family
