// Operations on image secrets: what private registries want to see when an application's images are pulled (contract:
// esa-edge-container §7). The client sends the password in the query; it never reaches a log or an answer.
import Type from 'typebox'
import { operation } from '../operation.ts'
import { AppIdOfCapitalFault as AppId } from './fields.ts'

const Registry = Type.String({
  minLength: 1,
  maxLength: 261,
  description: 'The registry as images name it: host or host:port, without a scheme. Docker Hub is docker.io.',
})
const Username = Type.String({ minLength: 1, maxLength: 256, description: 'User of the registry.' })
const errors = ['InvalidParameter', 'InvalidParameter.Appid', 'InvalidApp.NotFound', 'InternalError'] as const
const exampleApp = 'app-880688675783794688'

export const CreateEdgeContainerAppImageSecret = operation({
  action: 'CreateEdgeContainerAppImageSecret',
  summary: 'Keeps the login of a private registry for an application.',
  description:
    'The password is sealed before it is stored, and never shown again. A node gets it when it pulls an image of this application ' +
    'from that registry, and keeps it no longer than the pull. Of several logins for one registry the newest is used. The name is ' +
    'made here; the list shows it.',
  access: 'create',
  input: Type.Object({
    AppId,
    Password: Type.String({ minLength: 1, maxLength: 4096, description: 'Password or token of the user.' }),
    Registry,
    Username,
  }),
  output: Type.Object({}),
  errors: [...errors, 'InternalException'],
  secrets: ['Password'],
  example: {
    input: { AppId: exampleApp, Password: 's3cret', Registry: 'images.example.com', Username: 'puller' },
    output: {},
  },
})

export const ListEdgeContainerAppImageSecrets = operation({
  action: 'ListEdgeContainerAppImageSecrets',
  summary: 'Lists the registry logins of an application, newest first, without their passwords.',
  access: 'list',
  input: Type.Object({ AppId }),
  output: Type.Object({
    ImageSecretList: Type.Array(
      Type.Object({
        Name: Type.String({ description: 'Name of the login, made by the server.' }),
        Registry: Type.String({ description: 'The registry, in lower case.' }),
        Username: Type.String({ description: 'User of the registry.' }),
      }),
      { description: 'All logins of the application.' },
    ),
  }),
  errors: [...errors],
  example: {
    input: { AppId: exampleApp },
    output: { ImageSecretList: [{ Name: 'reg-1024', Registry: 'images.example.com', Username: 'puller' }] },
  },
})

export const DeleteEdgeContainerAppImageSecret = operation({
  action: 'DeleteEdgeContainerAppImageSecret',
  summary: 'Deletes a registry login of an application.',
  description: 'Nodes ask for it at every pull, so the next one does without. Images that were pulled stay.',
  access: 'delete',
  input: Type.Object({
    AppId,
    Name: Type.String({ minLength: 1, maxLength: 64, description: 'Name of the login, as the list shows it.' }),
  }),
  output: Type.Object({}),
  errors: [...errors],
  example: { input: { AppId: exampleApp, Name: 'reg-1024' }, output: {} },
})
