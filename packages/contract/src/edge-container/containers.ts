// One container of a version, as it is sent and as it is read back (contract: esa-edge-container §6.2, §6.3). What JSON
// Schema cannot say, such as which probe key belongs to which probe, is checked by server/src/domain/container.ts.
import Type from 'typebox'

/** Bounds where the contract names none: what a node accepts (node/desired-state.ts). */
const CommandLine = (description: string) => Type.String({ maxLength: 4096, description })
const Text = (description: string, example: string) => Type.String({ maxLength: 1024, description, examples: [example] })
const Seconds = (minimum: number, standard: number, description: string) =>
  Type.Integer({ minimum, maximum: 86_400, default: standard, description })
const Times = (standard: number, description: string) => Type.Integer({ minimum: 1, maximum: 1000, default: standard, description })

export const AcrImage = Type.Object(
  {
    Domain: Type.Optional(Text('Host name of the registry.', 'images.example.com')),
    InstanceId: Type.Optional(Text('Id of the registry instance.', 'cri-4f2a9c')),
    IsEnterpriseRegistry: Type.Optional(
      Type.Boolean({ description: 'Whether it is the paid edition of the registry.', examples: [false] }),
    ),
    RegionId: Type.Optional(Text('Cloud region of the registry instance.', 'cn-shanghai')),
    RepoId: Type.Optional(Text('Id of the repository.', 'crr-71b0d2')),
    RepoName: Type.Optional(Text('Name of the repository.', 'web')),
    RepoNamespace: Type.Optional(Text('Namespace of the repository.', 'team-a')),
    Tag: Type.Optional(Text('Tag of the image.', '1.4.2')),
    TagUrl: Type.Optional(
      Type.String({
        maxLength: 1024,
        pattern: '^[^@]*$',
        fault: 'InvalidParameter.Image',
        description: 'Complete reference of the image; pulled in place of Image where it is given.',
        examples: ['images.example.com/team-a/web:1.4.2'],
      }),
    ),
  },
  { description: 'Where the image lies in a Container Registry; only read when IsACRImage is true.' },
)

const HttpHeaders = Type.String({
  maxLength: 65_536,
  // For every probe type: the vendor's page knows no exception from it.
  pattern: '^[^@]*$',
  fault: 'InvalidParameter.HttpHeaders',
  description: 'httpGet: request headers as JSON text, an object of names and values or an array of such objects; without @.',
  examples: ['[{"Accept":"application/json"}]'],
})

/**
 * Keys of every probe type; those of another type than ProbeType's are kept and not used, whatever they say, so the rules of a key
 * that belongs to some types only are in server/src/domain/container.ts.
 */
export const ProbeContent = Type.Object(
  {
    Command: Type.Optional(CommandLine('exec: the command to run in the container, split at blanks outside quotes. Required for exec.')),
    FailureThreshold: Type.Optional(Times(3, 'Failures in a row until the container counts as not ready.')),
    Host: Type.Optional(Type.String({ maxLength: 255, description: 'httpGet, tcpSocket: host to ask; without it the instance itself.' })),
    HttpHeaders: Type.Optional(HttpHeaders),
    InitialDelaySeconds: Type.Optional(Seconds(0, 0, 'Seconds between start and the first check.')),
    Path: Type.Optional(Type.String({ maxLength: 4096, default: '/', description: 'httpGet: path to request.' })),
    PeriodSeconds: Type.Optional(Seconds(1, 10, 'Seconds between two checks.')),
    Port: Type.Optional(Type.Integer({ description: 'httpGet, tcpSocket: port to ask, 1 to 65535. Required for these two.' })),
    Scheme: Type.Optional(
      Type.String({
        maxLength: 64,
        default: 'http',
        examples: ['http', 'https'],
        description: 'httpGet: http or https, in any letter case.',
      }),
    ),
    SuccessThreshold: Type.Optional(Times(1, 'Good checks in a row until the container counts as ready.')),
    TimeoutSeconds: Type.Optional(Seconds(1, 1, 'Seconds that one check may take.')),
  },
  { description: 'Settings of the readiness probe, as an object or as JSON text of one. Which keys count depends on ProbeType.' },
)

const Image = Type.String({
  minLength: 1,
  maxLength: 1024,
  pattern: '^[^@]+$',
  fault: 'InvalidParameter.Image',
  description: 'Reference of the image, host/path:tag. A digest reference (@) is refused.',
})
const Spec = Type.Enum(['1C2G', '2C4G', '2C8G', '4C8G', '4C16G', '8C16G', '8C32G'], {
  description: 'Size: 2C4G is 2 processors and 4 GiB of memory.',
})
const Storage = Type.Enum(['0.5G', '10G', '20G', '30G'], {
  description: 'Writable disk. Required, unless the operator made the installation lenient: then 0.5G is meant.',
})
const IsACRImage = Type.Boolean({
  description:
    'Whether the image lies in the Container Registry that ACRImageInfo describes. Required, unless the operator made the ' +
    'installation lenient: then false is meant.',
})
const Command = CommandLine('Replaces the entry point of the image; split at blanks outside quotes, no shell.')
const Args = CommandLine('Arguments of the entry point; split at blanks outside quotes, no shell.')
const EnvVariables = Type.String({
  maxLength: 65_536,
  description: 'Environment, K1=V1,K2=V2. The first = ends the name; values may hold blanks and further =, and no comma.',
})
const PostStart = CommandLine('Command run when the container starts: a command line, or {"exec":{"command":[…]}}. Empty or {} means none.')
const PreStop = CommandLine('Command run before the container stops; the same two forms as PostStart.')
const ProbeType = Type.Enum(['exec', 'tcpSocket', 'httpGet'], { description: 'Kind of the readiness probe.' })

// Optional in the schema although required by default: settings.isContainerLenient is only known to the server, so
// domain/container.ts asks for IsACRImage and Storage.
export const NewContainer = Type.Object({
  ACRImageInfo: Type.Optional(AcrImage),
  Args: Type.Optional(Args),
  Command: Type.Optional(Command),
  EnvVariables: Type.Optional(EnvVariables),
  Image,
  IsACRImage: Type.Optional(IsACRImage),
  Name: Type.String({ maxLength: 63, description: 'Name, unique in the version: lower-case letters, digits and inner hyphens, up to 63.' }),
  PostStart: Type.Optional(PostStart),
  PreStop: Type.Optional(PreStop),
  ProbeContent,
  ProbeType,
  Spec,
  Storage: Type.Optional(Storage),
})

const listed = {
  Args: Type.Optional(Type.String({ description: 'Arguments, as they were sent.' })),
  Command: Type.Optional(Type.String({ description: 'Command, as it was sent.' })),
  EnvVariables: Type.Optional(Type.String({ description: 'Environment, as it was sent.' })),
  Image: Type.String({ description: 'Reference of the image.' }),
  Name: Type.String({ description: 'Name of the container.' }),
  PostStart: Type.Optional(Type.String({ description: 'Start hook, as it was sent.' })),
  PreStop: Type.Optional(Type.String({ description: 'Stop hook, as it was sent.' })),
  ProbeContent,
  ProbeType,
  Spec,
}

/** What the list of versions shows of a container. */
export const ContainerEntry = Type.Object(listed)

export const Container = Type.Object({
  ...listed,
  ACRImageInfo: Type.Optional(AcrImage),
  IsACRImage: Type.Boolean({ description: 'Whether the image lies in the Container Registry that ACRImageInfo describes.' }),
  Storage,
})

export const exampleContainer = {
  Args: '-g "daemon off;"',
  Command: 'nginx',
  EnvVariables: 'MODE=prod,TITLE=My App',
  Image: 'images.example.com/team-a/web:1.4.2',
  IsACRImage: false,
  Name: 'web',
  PreStop: 'nginx -s quit',
  ProbeContent: { InitialDelaySeconds: 5, Path: '/healthz', PeriodSeconds: 5, Port: 3000 },
  ProbeType: 'httpGet' as const,
  Spec: '1C2G' as const,
  Storage: '0.5G' as const,
}
