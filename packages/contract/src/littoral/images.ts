// Which digests the images of a version stand for.
import Type from 'typebox'
import { operation } from '../operation.ts'

export const GetVersionImages = operation({
  action: 'GetVersionImages',
  summary: 'Shows which digest each image of a version stands for, and what is in the way where none is known.',
  description:
    'The registry is asked once, when the version is made. From then on nodes run that digest, wherever the tag moves; a release waits for it, for ten seconds at most. Where the registry could not be asked, it is asked again from time to time, and nodes run the tag as they have it.',
  access: 'get',
  input: Type.Object({
    AppId: Type.String({ minLength: 1, maxLength: 64, description: 'The app.' }),
    VersionId: Type.String({ minLength: 1, maxLength: 64, description: 'The version.' }),
  }),
  output: Type.Object({
    Images: Type.Array(
      Type.Object({
        Image: Type.String({ description: 'As the version names it.' }),
        State: Type.Enum(['pending', 'pinned', 'unreachable', 'unpinned'], {
          description: 'pending: not asked yet · pinned · unreachable: asked in vain, asked again at NextAt · unpinned: nobody to ask.',
        }),
        Digest: Type.Optional(Type.String({ description: 'What runs.' })),
        Platforms: Type.Array(
          Type.Object({
            Platform: Type.String({ description: 'Such as linux/arm64.' }),
            Digest: Type.String({ description: 'Of the manifest of this platform.' }),
          }),
          { description: 'Where the registry keeps an image per platform.' },
        ),
        Reason: Type.Optional(Type.String({ description: 'Why none is known.' })),
        CheckedAt: Type.Optional(Type.String({ description: 'When the registry was asked last; ISO 8601, UTC.' })),
        NextAt: Type.Optional(Type.String({ description: 'When it is asked again; ISO 8601, UTC.' })),
      }),
      { description: 'An entry per image. Empty in the first moments of a version.' },
    ),
  }),
  errors: ['Node.InvalidParameter', 'InvalidApp.NotFound', 'InvalidVersion.NotFound'],
  example: {
    input: { AppId: 'app-880688675783794688', VersionId: 'ver-880688675783794689' },
    output: {
      Images: [
        {
          Image: 'registry.example/shop/web:1',
          State: 'pinned',
          Digest: 'sha256:0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0',
          Platforms: [],
          CheckedAt: '2026-12-01T10:00:00Z',
        },
      ],
    },
  },
})
