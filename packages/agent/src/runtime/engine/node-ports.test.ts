import { expect, test } from 'vitest'
import { servedPorts } from './node-ports.ts'

const workload = { key: 'app/a/prod', ports: [{ servicePort: 80, targetPort: 8080, fallback: false }] }
const open = [{ id: 'app/a/prod|80', port: 80, target: { host: '172.17.0.2', port: 8080, owner: 'one' } }] as never

test('a port serves an instance when it leads to where that is now', () => {
  expect(servedPorts(workload, { instanceId: 'one', host: '172.17.0.2' }, open)).toEqual([{ servicePort: 80, port: 80 }])
  expect(servedPorts(workload, { instanceId: 'one' }, open)).toEqual([{ servicePort: 80, port: 80 }])
})

test('a port that leads to the address a group had before its engine was started again serves nobody', () => {
  expect(servedPorts(workload, { instanceId: 'one', host: '172.17.0.3' }, open)).toEqual([])
  expect(servedPorts(workload, { instanceId: 'two', host: '172.17.0.2' }, open)).toEqual([])
})
