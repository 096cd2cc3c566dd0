// Thing models of products, as far as drivers ask for them: kept and handed over as they were imported. Names and types are those
// of the vendor's SDK.
import Type from 'typebox'
import { edgeOperation, IotInstanceId, JsonText } from './fields.ts'
import { ProductKey, text, unsupported } from './product-fields.ts'

/** Characters; a model of a few hundred properties. */
const longestModel = 262_144

const Module = text('Module of the model. Only the default one exists: leave it out.')

export const ImportThingModelTsl = edgeOperation({
  action: 'ImportThingModelTsl',
  summary: 'Keeps the thing model of a product, in place of the one before, for the drivers of its devices.',
  description:
    'Drivers are handed exactly this text. Nothing is compared with it: values of properties it does not name are kept as any others.',
  access: 'update',
  input: Type.Object({
    ProductKey,
    TslStr: Type.Optional({
      ...JsonText(Type.Object({}, { additionalProperties: true }), 'The model: a JSON object of up to 262144 characters. Needed.'),
      maxLength: longestModel,
    }),
    TslUrl: unsupported('Address of a file with the model.'),
    FunctionBlockId: Module,
    FunctionBlockName: unsupported('Name of a module.'),
    ResourceGroupId: text('Resource group; only the default one exists.'),
    IotInstanceId,
  }),
  output: Type.Object({}),
  errors: ['iot.prod.NotExistedProduct'],
  example: {
    input: {
      ProductKey: 'a1mAdeG0002',
      TslStr: '{"properties":[{"identifier":"temperature","dataType":{"type":"double"}}],"events":[],"services":[]}',
    },
    output: {},
  },
})

export const GetThingModelTsl = edgeOperation({
  action: 'GetThingModelTsl',
  summary: 'Returns the thing model of a product as it was imported.',
  access: 'get',
  input: Type.Object({
    ProductKey,
    ModelVersion: unsupported('Version of the model.'),
    FunctionBlockId: Module,
    Simple: Type.Optional(Type.Boolean({ description: 'Accepted; the whole model is returned either way.' })),
    IotInstanceId,
  }),
  output: Type.Object({
    Data: Type.Object(
      {
        TslStr: Type.String({ description: 'The model. For a product without one, a model with nothing in it.' }),
        TslUri: Type.Optional(Type.String({ description: 'Never set: models are short enough to be sent.' })),
      },
      { description: 'The model.' },
    ),
  }),
  errors: ['iot.prod.NotExistedProduct'],
  example: {
    input: { ProductKey: 'a1mAdeG0002' },
    output: { Data: { TslStr: '{"profile":{"productKey":"a1mAdeG0002"},"properties":[],"events":[],"services":[]}' } },
  },
})
