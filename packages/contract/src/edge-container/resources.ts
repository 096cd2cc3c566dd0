// Operations that show where an application can run and where it does (contract: esa-edge-container §9, §12.2, §12.3,
// §12.14, §12.15).
import Type from 'typebox'
import { operation } from '../operation.ts'
import { AppId } from './fields.ts'

const errors = ['InvalidParameter.appid', 'InvalidParameter', 'InvalidApp.NotFound', 'InternalError'] as const
const exampleApp = { AppId: 'app-880688675783794688' }
const place = {
  Isp: Type.Optional(Type.String({ description: 'Carrier, where the area has one.' })),
  Region: Type.String({ description: 'Area of the installation.' }),
}

export const GetEdgeContainerAppResourceCapacity = operation({
  action: 'GetEdgeContainerAppResourceCapacity',
  summary: 'Returns how many more replicas of an application each area could take.',
  description:
    'Counted from what the online production nodes say they have, less what their workloads were promised and what other ' +
    'applications have reserved. A replica is as large as all containers of the newest version; before there is one, 1C2G.',
  access: 'get',
  input: Type.Object({ AppId }),
  output: Type.Object({
    Regions: Type.Array(Type.Object({ ...place, Replicas: Type.Integer({ minimum: 0, description: 'Replicas that would still fit.' }) }), {
      description: 'One row per area and carrier.',
    }),
  }),
  errors: [...errors],
  example: { input: exampleApp, output: { Regions: [{ Region: 'huadong', Replicas: 16 }] } },
})

export const GetEdgeContainerAppResourceStatus = operation({
  action: 'GetEdgeContainerAppResourceStatus',
  summary: 'Returns where an application runs, and how many of its replicas are ready.',
  access: 'get',
  input: Type.Object({ AppId }),
  output: Type.Object({
    Regions: Type.Array(
      Type.Object({
        IsOffline: Type.Boolean({ description: 'Whether the replicas are being taken down.' }),
        IsStaging: Type.Boolean({ description: 'Whether the row is about staging; else it is about production.' }),
        ...place,
        Ready: Type.Integer({ minimum: 0, description: 'Replicas whose node is online and says that they are ready.' }),
        Total: Type.Integer({ minimum: 0, description: 'Replicas that are placed there.' }),
      }),
      { description: 'One row per area, carrier and environment with replicas.' },
    ),
  }),
  errors: [...errors],
  example: {
    input: exampleApp,
    output: { Regions: [{ IsOffline: false, IsStaging: false, Region: 'huadong', Ready: 3, Total: 3 }] },
  },
})

export const GetEdgeContainerDeployRegions = operation({
  action: 'GetEdgeContainerDeployRegions',
  summary: 'Returns the region codes that a release of an application may name.',
  description: 'They are the regions of the installation, whether or not the application runs there yet.',
  access: 'get',
  input: Type.Object({ AppId }),
  output: Type.Object({ Regions: Type.Array(Type.String(), { description: 'Region codes.' }) }),
  errors: [...errors],
  example: { input: exampleApp, output: { Regions: ['zhejiang'] } },
})
