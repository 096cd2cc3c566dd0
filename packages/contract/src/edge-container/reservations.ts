// Reading and changing how many replicas an application keeps reserved (contract: esa-edge-container §4.5, §6.4). Which rows
// an installation takes depends on its own regions, so server/src/domain/reservation.ts checks them.
import Type from 'typebox'
import { operation } from '../operation.ts'
import { AppIdOfCapitalFault as AppId } from './fields.ts'

const area = 'Area of the installation, in any letter case: that of one of its regions.'
const carrier = 'Carrier, where the area has one.'

const ReservedRow = Type.Object({
  Isp: Type.Optional(Type.String({ maxLength: 64, description: carrier })),
  Region: Type.Optional(Type.String({ maxLength: 64, description: `${area} Mandatory.` })),
  Replicas: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'How many replicas are kept free. Mandatory.' })),
})

const reserved = {
  DurationTime: Type.String({ description: 'When the reservation ends, UTC, as it was sent; empty when it has no end or none was named.' }),
  Enable: Type.Boolean({ description: 'Whether the reservation is on. It turns off by itself when its time is over.' }),
  Forever: Type.Boolean({ description: 'Whether it has no end.' }),
  ReserveSet: Type.Array(
    Type.Object({
      Isp: Type.Optional(Type.String({ description: carrier })),
      Region: Type.String({ description: 'The area, in lower case.' }),
      Replicas: Type.Integer({ description: 'How many replicas are kept free.' }),
    }),
    { description: 'What is reserved, one row per area and carrier.' },
  ),
}

const errors = ['InvalidParameter', 'InvalidParameter.Appid', 'InvalidApp.NotFound', 'InternalError'] as const
const exampleReservation = {
  DurationTime: '2099-01-01T00:00:00Z',
  Enable: true,
  Forever: false,
  ReserveSet: [{ Region: 'huadong', Replicas: 2 }],
}

export const GetEdgeContainerAppResourceReserve = operation({
  action: 'GetEdgeContainerAppResourceReserve',
  summary: 'Returns what is reserved for an application.',
  access: 'get',
  input: Type.Object({ AppId }),
  output: Type.Object(reserved),
  errors: [...errors],
  example: { input: { AppId: 'app-880688675783794688' }, output: exampleReservation },
})

export const UpdateEdgeContainerAppResourceReserve = operation({
  action: 'UpdateEdgeContainerAppResourceReserve',
  summary: 'Changes what is reserved for an application.',
  description:
    'What is left out stays as it is; a set that is sent takes the place of the old one. A reservation that is on needs an end or ' +
    'Forever. It lowers the capacity that other applications of the account are shown in that area; it starts no instances.',
  access: 'update',
  input: Type.Object({
    AppId,
    DurationTime: Type.Optional(
      Type.String({
        maxLength: 64,
        description: 'When the reservation ends, UTC: yyyy-MM-ddTHH:mm:ssZ. Not together with Forever; empty removes it.',
      }),
    ),
    Enable: Type.Optional(Type.Boolean({ description: 'Turns the reservation on or off.' })),
    Forever: Type.Optional(Type.Boolean({ description: 'Whether the reservation has no end.' })),
    ReserveSet: Type.Optional(
      Type.Array(ReservedRow, { maxItems: 500, description: 'What to reserve, one row per area and carrier, as JSON.' }),
    ),
  }),
  output: Type.Object(reserved),
  errors: [...errors],
  example: { input: { AppId: 'app-880688675783794688', ...exampleReservation, Forever: false }, output: exampleReservation },
})
