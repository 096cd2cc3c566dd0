import { describe, expect, it } from 'vitest'
import type { Container } from './container.ts'
import { specSize, toGroupWorkload, workloadDigest } from './workload.ts'

const app = { id: 'app-100000000000000001', servicePort: 80, targetPort: 3000 }
const web: Container = {
  name: 'web',
  image: 'nginx:1.27',
  isAcrImage: false,
  spec: '1C2G',
  storage: '0.5G',
  probeKind: 'httpGet',
  probe: { port: 3000 },
}
const workloadOf = (...containers: Container[]) => toGroupWorkload(app, { id: 'ver-1', containers }, 'prod')
const probeOf = (container: Partial<Container>) => workloadOf({ ...web, ...container }).containers[0]?.probe

describe('the workload of a version', () => {
  it('has sizes as numbers, texts as words, and every default of the probe', () => {
    const full: Container = {
      ...web,
      command: 'nginx',
      args: '-g "daemon off;"',
      env: 'MODE=prod,TITLE=My App',
      postStart: 'sh init.sh "echo hi"',
      preStop: '{"exec":{"command":["nginx","-s","quit"]}}',
    }
    expect(workloadOf(full)).toEqual({
      kind: 'group',
      key: 'app/app-100000000000000001/prod',
      version: 'ver-1',
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      appId: app.id,
      environment: 'prod',
      ports: [{ servicePort: 80, targetPort: 3000, fallback: false }],
      graceSeconds: 30,
      containers: [
        {
          name: 'web',
          image: 'nginx:1.27',
          cpus: 1,
          memoryBytes: 2 * 1024 ** 3,
          storageBytes: 512 * 1024 ** 2,
          command: ['nginx'],
          args: ['-g', 'daemon off;'],
          env: [
            { name: 'MODE', value: 'prod' },
            { name: 'TITLE', value: 'My App' },
          ],
          postStart: ['sh', 'init.sh', 'echo hi'],
          preStop: ['nginx', '-s', 'quit'],
          probe: {
            type: 'httpGet',
            port: 3000,
            path: '/',
            scheme: 'http',
            headers: [],
            initialDelaySeconds: 0,
            timeoutSeconds: 1,
            periodSeconds: 10,
            successThreshold: 1,
            failureThreshold: 3,
          },
        },
      ],
    })
  })

  it('leaves out what was sent empty', () => {
    const [container] = workloadOf({ ...web, command: '', args: ' ', env: '', postStart: '', preStop: '{}' }).containers
    expect(Object.keys(container ?? {}).toSorted()).toEqual(['cpus', 'env', 'image', 'memoryBytes', 'name', 'probe', 'storageBytes'])
  })

  it('may take any free port in staging, and exactly its own in production', () => {
    expect(toGroupWorkload(app, { id: 'ver-1', containers: [web] }, 'staging')).toMatchObject({
      key: 'app/app-100000000000000001/staging',
      ports: [{ fallback: true }],
    })
  })

  it('pulls the address of the tag for a registry image', () => {
    const acrImage = { tagUrl: 'images.example.com/team-a/web:2' }
    expect(workloadOf({ ...web, isAcrImage: true, acrImage }).containers[0]?.image).toBe('images.example.com/team-a/web:2')
    expect(workloadOf({ ...web, isAcrImage: true, acrImage: {} }).containers[0]?.image).toBe('nginx:1.27')
    expect(workloadOf({ ...web, acrImage }).containers[0]?.image).toBe('nginx:1.27')
  })

  it.each([
    ['1C2G', 1, 2],
    ['2C4G', 2, 4],
    ['2C8G', 2, 8],
    ['4C8G', 4, 8],
    ['4C16G', 4, 16],
    ['8C16G', 8, 16],
    ['8C32G', 8, 32],
  ] as const)('takes %s as %d processors and %d GiB', (spec, cpus, gibibytes) => {
    expect(specSize(spec)).toEqual({ cpus, memoryBytes: gibibytes * 1024 ** 3 })
  })

  it.each([
    ['0.5G', 512],
    ['10G', 10 * 1024],
    ['20G', 20 * 1024],
    ['30G', 30 * 1024],
  ] as const)('takes storage %s as %d MiB', (storage, mebibytes) => {
    expect(workloadOf({ ...web, storage }).containers[0]?.storageBytes).toBe(mebibytes * 1024 ** 2)
  })
})

describe('the probe', () => {
  const timing = { initialDelaySeconds: 0, timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 }

  it('has the keys of its own type only', () => {
    const probe = { command: 'cat "ready file"', port: 80, host: 'a.example', path: '/x', scheme: 'https', httpHeaders: '{"A":"1"}' }
    expect(probeOf({ probeKind: 'exec', probe })).toEqual({ type: 'exec', command: ['cat', 'ready file'], ...timing })
    expect(probeOf({ probeKind: 'tcpSocket', probe })).toEqual({ type: 'tcpSocket', port: 80, host: 'a.example', ...timing })
    expect(probeOf({ probe })).toEqual({
      type: 'httpGet',
      port: 80,
      host: 'a.example',
      path: '/x',
      scheme: 'https',
      headers: [{ name: 'A', value: '1' }],
      ...timing,
    })
  })

  it('takes its times as they were sent, and the scheme in any letter case', () => {
    const sent = { initialDelaySeconds: 5, timeoutSeconds: 2, periodSeconds: 3, successThreshold: 4, failureThreshold: 6 }
    expect(probeOf({ probe: { port: 1, scheme: 'HTTPS', ...sent } })).toMatchObject({ scheme: 'https', ...sent })
  })
})

describe('the digest', () => {
  it('is the same for the same content in another order, and another one for any change', () => {
    const workload = workloadOf(web)
    const { digest, ports, ...rest } = workload
    expect(workloadDigest({ ports, ...rest })).toBe(digest)
    expect(workloadDigest({ ...workload, restartToken: 'again' })).toBe(digest)
    expect(workloadOf({ ...web, env: 'A=1' }).digest).not.toBe(digest)
    expect(toGroupWorkload(app, { id: 'ver-2', containers: [web] }, 'prod').digest).not.toBe(digest)
    expect(toGroupWorkload(app, { id: 'ver-1', containers: [web] }, 'staging').digest).not.toBe(digest)
  })
})
