// Uploads: addresses under which driver packages and configuration files are put into the object store.
import Type from 'typebox'
import { Choice, edgeOperation, IotInstanceId, versionPattern } from './fields.ts'

export const CreateEdgeOssPreSignedAddress = edgeOperation({
  action: 'CreateEdgeOssPreSignedAddress',
  summary: 'Hands out an address to upload a file to, by one HTTP PUT within five minutes, and the address to refer to it by.',
  access: 'create',
  callsPerSecond: 5,
  input: Type.Object({
    Type: Choice(
      ['DRIVER_VERSION_CONTENT', 'DRIVER_VERSION_DEFAULT_CONFIG', 'INSTANCE_DRIVER_VERSION_CONFIG'],
      'What the file is: code of a version, its default configuration, or a configuration in one instance.',
    ),
    ResourceId: Type.String({ minLength: 1, description: 'Id of the driver.' }),
    ResourceVersion: Type.String({ pattern: versionPattern, description: 'Version number of the driver; it need not exist yet.' }),
    FileName: Type.String({
      minLength: 1,
      maxLength: 128,
      description: 'Name with extension and without folders. Code is a .zip.',
    }),
    InstanceId: Type.Optional(Type.String({ description: 'Edge instance; needed for INSTANCE_DRIVER_VERSION_CONFIG.' })),
    IotInstanceId,
  }),
  output: Type.Object({
    Data: Type.Object(
      {
        OssAddress: Type.String({ description: 'Lasting address; goes into SourceConfig or a FILE configuration.' }),
        OssPreSignedAddress: Type.String({ description: 'Address for the PUT. Send no Content-Type, or any.' }),
      },
      { description: 'The two addresses.' },
    ),
  }),
  errors: ['iot.edge.DriverNotExist', 'iot.edge.InstanceNotExist'],
  example: {
    input: {
      Type: 'DRIVER_VERSION_CONTENT',
      ResourceId: 'fec565038d7544978d9aed5c1a000001',
      ResourceVersion: '2.0.0',
      FileName: 'driver_code.zip',
    },
    output: {
      Data: {
        OssAddress:
          'http://127.0.0.1:8580/oss/littoral-edge/driver/1/DRIVER_VERSION_CONTENT/fec565038d7544978d9aed5c1a000001/2.0.0/1581586102750/driver_code.zip',
        OssPreSignedAddress:
          'http://127.0.0.1:8580/oss/littoral-edge/driver/1/DRIVER_VERSION_CONTENT/fec565038d7544978d9aed5c1a000001/2.0.0/1581586102750/driver_code.zip?Expires=1581586402&OSSAccessKeyId=objects&Signature=sig',
      },
    },
  },
})
