// Tags of sites: words that a user sorts them by. A small part of the vendor's tag operations, as much as Terraform needs; names and
// types are those of the official client.
import Type from 'typebox'
import { operation } from '../operation.ts'
import { anyCase } from './fields.ts'

const RegionId = Type.String({ maxLength: 64, description: 'Cloud region; any text, as an installation is one place.' })
const ResourceType = anyCase(['site'], { description: 'What is tagged, in any letter case: only sites have tags here.' })
const SiteIdText = Type.String({ pattern: '^[1-9][0-9]{0,15}$', description: 'Id of a site, as text.' })
const Key = Type.String({ minLength: 1, maxLength: 128, description: 'Key of the tag.' })
const Value = Type.String({ maxLength: 128, description: 'Value of the tag; may be empty.' })
const ResourceId = Type.Array(SiteIdText, { minItems: 1, maxItems: 50, description: 'Ids of the sites.' })
const errors = ['InvalidParameter', 'SiteNotFound', 'InternalError'] as const
const example = { RegionId: 'cn-hangzhou', ResourceId: ['5407498413001'], ResourceType: 'site' }

export const ListTagResources = operation({
  action: 'ListTagResources',
  summary: 'Lists the tags of sites.',
  description: 'With ResourceId those of these sites, else those of all. With Tag only of sites that have every one of these tags.',
  access: 'list',
  input: Type.Object({
    MaxItem: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100, description: 'Tags per page, at most 1000.' })),
    NextToken: Type.Optional(Type.String({ maxLength: 512, description: 'Where the page before ended.' })),
    RegionId,
    ResourceId: Type.Optional(ResourceId),
    ResourceType,
    Tag: Type.Optional(
      Type.Array(
        Type.Object({ Key, Value: Type.Optional(Type.String({ maxLength: 128, description: 'Value of the tag; without it any.' })) }),
        { maxItems: 20, description: 'Only sites with these tags.' },
      ),
    ),
  }),
  output: Type.Object({
    NextToken: Type.String({ description: 'Where this page ends; empty on the last.' }),
    TagResources: Type.Array(
      Type.Object({
        ResourceId: Type.String({ description: 'Id of the site.' }),
        ResourceType: Type.String({ description: 'Always site.' }),
        TagKey: Type.String({ description: 'Key of the tag.' }),
        TagValue: Type.String({ description: 'Value of the tag.' }),
      }),
      { description: 'An entry per site and tag.' },
    ),
    TotalCount: Type.Integer({ description: 'How many there are on all pages.' }),
  }),
  errors: [...errors],
  example: {
    input: example,
    output: {
      NextToken: '',
      TagResources: [{ ResourceId: '5407498413001', ResourceType: 'site', TagKey: 'team', TagValue: 'web' }],
      TotalCount: 1,
    },
  },
})

export const TagResources = operation({
  action: 'TagResources',
  summary: 'Gives sites tags, and tags they have another value.',
  access: 'update',
  input: Type.Object({
    RegionId,
    ResourceId,
    ResourceType,
    Tag: Type.Array(Type.Object({ Key, Value }), { minItems: 1, maxItems: 20, description: 'The tags. A site has at most 20.' }),
  }),
  output: Type.Object({}),
  errors: [...errors, 'InternalException'],
  example: { input: { ...example, Tag: [{ Key: 'team', Value: 'web' }] }, output: {} },
})

export const UntagResources = operation({
  action: 'UntagResources',
  summary: 'Takes tags from sites.',
  access: 'update',
  input: Type.Object({
    All: Type.Optional(Type.Boolean({ default: false, description: 'Takes every tag; TagKey is then not looked at.' })),
    RegionId,
    ResourceId,
    ResourceType,
    TagKey: Type.Optional(Type.Array(Key, { maxItems: 20, description: 'Keys of the tags.' })),
  }),
  output: Type.Object({}),
  errors: [...errors],
  example: { input: { ...example, TagKey: ['team'] }, output: {} },
})
