// The four examples that the vendor of S3 publishes for this way of signing: same inputs, same signatures.
import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { authorizationOf } from './signature.ts'

const key = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' }
const nothing = createHash('sha256').digest('hex')
const something = createHash('sha256').update('Welcome to Amazon S3.').digest('hex')
const common = { host: 'examplebucket.s3.amazonaws.com', 'x-amz-date': '20130524T000000Z' }

it.each([
  {
    request: { method: 'GET', path: '/test.txt', query: {}, headers: { range: 'bytes=0-9', 'x-amz-content-sha256': nothing } },
    signature: 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  },
  {
    request: {
      method: 'PUT',
      path: '/test$file.text',
      query: {},
      headers: { date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-content-sha256': something, 'x-amz-storage-class': 'REDUCED_REDUNDANCY' },
    },
    signature: '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  },
  {
    request: { method: 'GET', path: '/', query: { lifecycle: '' }, headers: { 'x-amz-content-sha256': nothing } },
    signature: 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  },
  {
    request: { method: 'GET', path: '/', query: { 'max-keys': '2', prefix: 'J' }, headers: { 'x-amz-content-sha256': nothing } },
    signature: '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  },
])('signs $request.method $request.path as published', ({ request, signature }) => {
  const headers = { ...common, ...(request.headers as unknown as Record<string, string>) }
  expect(authorizationOf({ ...request, query: request.query as Record<string, string>, headers }, key, 'us-east-1')).toContain(
    `Signature=${signature}`,
  )
})
