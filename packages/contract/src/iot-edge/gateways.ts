// Gateways: the one gateway device of an edge instance.
import Type from 'typebox'
import { edgeOperation, InstanceId, IotInstanceId } from './fields.ts'

const exampleGateway = { ProductKey: 'a1mAdeG0001', DeviceName: 'gateway_01', IotId: '4z819VQHk6VSLmmBJfrf0010000001' } as const

export const BindGatewayToEdgeInstance = edgeOperation({
  action: 'BindGatewayToEdgeInstance',
  summary: 'Puts a gateway device into an edge instance, where it stays until it is replaced or the instance is deleted.',
  access: 'update',
  callsPerSecond: 10,
  input: Type.Object({
    InstanceId,
    IotId: Type.Optional(Type.String({ description: 'Id of the gateway device. Goes before ProductKey and DeviceName.' })),
    ProductKey: Type.Optional(Type.String({ description: 'Product of the gateway device; needed without IotId.' })),
    DeviceName: Type.Optional(Type.String({ description: 'Name of the gateway device; needed without IotId.' })),
    IotInstanceId,
  }),
  output: Type.Object({}),
  errors: ['iot.edge.InstanceNotExist', 'iot.edge.InstanceAlreadyBindGateway', 'iot.device.NotExistedDevice'],
  example: { input: { InstanceId: 'F3APY0tPLhmgGtx00001', ProductKey: 'a1mAdeG0001', DeviceName: 'gateway_01' }, output: {} },
})

export const QueryEdgeInstanceGateway = edgeOperation({
  action: 'QueryEdgeInstanceGateway',
  summary: 'Shows the gateway of an edge instance and the edge version it reported.',
  access: 'list',
  callsPerSecond: 10,
  input: Type.Object({ InstanceId, IotInstanceId }),
  output: Type.Object({
    GatewayList: Type.Array(
      Type.Object({
        IotId: Type.String({ description: 'Id of the gateway device.' }),
        ProductKey: Type.String({ description: 'Product of the gateway device.' }),
        DeviceName: Type.String({ description: 'Name of the gateway device.' }),
        EdgeVersion: Type.Optional(
          Type.String({ description: 'Edge version with a leading v; absent until the gateway has connected once.' }),
        ),
      }),
      { xmlItem: 'Gateway', description: 'None or one gateway.' },
    ),
  }),
  errors: ['iot.edge.InstanceNotExist'],
  example: { input: { InstanceId: 'F3APY0tPLhmgGtx00001' }, output: { GatewayList: [{ ...exampleGateway, EdgeVersion: 'v2.4.0' }] } },
})

export const ReplaceEdgeInstanceGateway = edgeOperation({
  action: 'ReplaceEdgeInstanceGateway',
  summary: 'Puts another gateway into an edge instance that was reset or never deployed, and forgets the deployments of the old one.',
  description:
    'Where the old gateway cannot be reached any more, create a reset job and close it: that is enough. Whatever it still runs of this ' +
    'instance is taken off when it connects again.',
  access: 'update',
  callsPerSecond: 20,
  input: Type.Object({
    InstanceId,
    CurrentGatewayId: Type.String({ minLength: 1, description: 'IotId of the gateway that is bound now.' }),
    NewGatewayId: Type.String({ minLength: 1, description: 'IotId of the gateway to take its place; bound nowhere.' }),
    IotInstanceId,
  }),
  output: Type.Object({}),
  errors: [
    'iot.edge.InstanceNotExist',
    'iot.edge.InstanceIsRunning',
    'iot.edge.InstanceHasNoGateway',
    'iot.edge.InstanceAlreadyBindGateway',
    'iot.device.NotExistedDevice',
  ],
  example: {
    input: {
      InstanceId: 'F3APY0tPLhmgGtx00001',
      CurrentGatewayId: 'oTCJomvT95WPyPPQ5sje000001',
      NewGatewayId: '65SkFyhZcU5d3PO2Ri13000001',
    },
    output: {},
  },
})
