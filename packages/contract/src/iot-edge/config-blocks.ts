// The configuration blocks that assigned drivers and channels share, as parameters and in answers.
import Type from 'typebox'
import { Choice } from './fields.ts'
import { configFormats } from './version-json.ts'

// The limit of a list has a code of its own, which must not colour what is in its entries.
const ownFault = { fault: 'iot.common.InvalidParam' } as const

export const Configs = Type.Array(
  Type.Object({
    Format: { ...Choice(configFormats, 'KV: pairs. JSON: JSON text. FILE: address of a configuration file.'), ...ownFault },
    Content: Type.String({ ...ownFault, description: 'Up to 100 pairs, JSON of up to 1 KB, or the address of a file of up to 1 MB.' }),
    Key: Type.Optional(Type.String({ ...ownFault, maxLength: 256, description: 'Tells blocks apart; unique in the call.' })),
  }),
  { minItems: 1, maxItems: 20, fault: 'iot.common.ParameterSizeLimit', description: 'The blocks that make up the configuration.' },
)

export const Config = Type.Object({
  ConfigId: Type.String({ description: 'Id of the block, new with every call that sets it.' }),
  Format: Choice(configFormats, 'KV: pairs. JSON: JSON text. FILE: address of a configuration file.'),
  Content: Type.String({ description: 'The text, or the address of the file, as it was set.' }),
  Key: Type.Optional(Type.String({ description: 'What the block was told apart by.' })),
})
