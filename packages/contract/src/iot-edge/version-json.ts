// The JSON texts inside a driver version's parameters: ContainerConfig, DriverConfig, ConfigCheckRule and SourceConfig.
// Their shape is checked at the door; rules between fields stand in server/src/domain/driver-version.ts.
import Type, { type Static } from 'typebox'

const Switch = (description: string) => Type.Integer({ enum: [0, 1], description })
const Permission = Type.Unsafe<'ro' | 'rw'>(Type.String({ enum: ['ro', 'rw'], description: 'ro: read only. rw: read and write.' }))
const Port = (description: string) => Type.Integer({ minimum: 1, maximum: 65535, description })

// Unknown keys of the three mappings and of the whole are refused, so that a typo is not taken for a default.
const closed = { additionalProperties: false }

const PortMapping = Type.Object(
  {
    hostPort: Port('Port on the gateway.'),
    containerPort: Port('Port inside the container.'),
    // The vendor's table says Integer; the values it lists are these strings.
    protocol: Type.Unsafe<'tcp' | 'udp'>(Type.String({ enum: ['tcp', 'udp'], description: 'Transport protocol.' })),
  },
  closed,
)
const DevMapping = Type.Object(
  {
    hostPath: Type.String({ minLength: 1, maxLength: 128, pattern: '^/dev/', description: 'Device file on the gateway, below /dev/.' }),
    permission: Permission,
    comment: Type.Optional(Type.String({ minLength: 1, maxLength: 128, description: 'Remark about the mapping.' })),
  },
  closed,
)
const VolumeMapping = Type.Object(
  {
    hostPath: Type.String({ minLength: 1, maxLength: 128, pattern: '^\\S+$', description: 'Path on the gateway, without spaces.' }),
    containerPath: Type.String({
      minLength: 2,
      maxLength: 128,
      pattern: '^/\\S+$',
      description: 'Absolute path inside the container, without spaces and not the root.',
    }),
    permission: Permission,
  },
  closed,
)

export const ContainerConfig = Type.Object(
  {
    privileged: Type.Optional(Switch('1: the container has the rights of root on the gateway and sees all its devices.')),
    hostNetworkMode: Type.Optional(Switch('1: the container shares the network of the gateway.')),
    portMappings: Type.Optional(Type.Array(PortMapping, { maxItems: 10, description: 'Published ports; without effect in host mode.' })),
    devMappings: Type.Optional(Type.Array(DevMapping, { maxItems: 10, description: 'Device files; without effect when privileged.' })),
    volumeMappings: Type.Optional(Type.Array(VolumeMapping, { maxItems: 10, description: 'Paths of the gateway to mount.' })),
  },
  closed,
)
export type ContainerConfig = Static<typeof ContainerConfig>

export const configFormats = ['KV', 'JSON', 'FILE'] as const
export type ConfigFormat = (typeof configFormats)[number]

const DriverConfigBlock = Type.Object({
  format: Type.Unsafe<ConfigFormat>(
    Type.String({ enum: [...configFormats], description: 'KV: pairs. JSON: JSON text. FILE: address of a config file.' }),
  ),
  content: Type.String({ description: 'The text itself, or for FILE the address of the file in the object store.' }),
})
export type DriverConfigBlock = Static<typeof DriverConfigBlock>

/** The vendor's prose shows one block, its sample a list of them: both are accepted, a list is answered. */
export const DriverConfig = Type.Union([Type.Array(DriverConfigBlock, { maxItems: 20 }), DriverConfigBlock])
export type DriverConfig = Static<typeof DriverConfig>

const Rule = (description: string) => {
  return Type.Object(
    { required: Type.Optional(Type.Boolean({ description })) },
    { description: 'Whether the configuration has to be there.' },
  )
}
export const ConfigCheckRule = Type.Object({
  driverConfig: Type.Optional(Rule('True: deploying needs a configuration of the driver.')),
  deviceConfig: Type.Optional(Rule('True: deploying needs a configuration of every device of the driver.')),
})
export type ConfigCheckRule = Static<typeof ConfigCheckRule>

export const SourceConfig = Type.Object({
  ossAddress: Type.String({ minLength: 1, maxLength: 2048, description: 'The plain OssAddress of the uploaded zip, not the signed one.' }),
})
export type SourceConfig = Static<typeof SourceConfig>
