import { describe, expect, it } from 'vitest'
import { compareVersions, unmetRequirement } from './requirements.ts'
import { driver, group } from './test-workloads.ts'

const machine = { edgeVersion: '2.9.7', arch: 'x64' }

describe('edge versions', () => {
  it.each([
    ['2.10.0', '2.9.7', 1],
    ['v1.8', '1.8.0', 0],
    ['V1.8.2', '1.8.4', -1],
    ['2.4.0.1', '2.4', 1],
  ])('are compared as numbers: %s with %s', (left, right, order) => {
    expect(compareVersions(left, right)).toBe(order)
    expect(compareVersions(right, left)).toBe(order === 0 ? 0 : -order)
  })
})

describe('a driver', () => {
  it('needs an edge version at least as new as its own', () => {
    expect(unmetRequirement(driver({ edgeVersion: '2.9.7' }), machine)).toBeUndefined()
    expect(unmetRequirement(driver({ edgeVersion: '2.10.0' }), machine)?.code).toBe('EdgeVersionTooOld')
  })

  it('needs the processor it is compiled for, in either spelling', () => {
    expect(unmetRequirement(driver({ runtime: 'c', cpuArch: 'X86-64' }), machine)).toBeUndefined()
    expect(unmetRequirement(driver({ runtime: 'c', cpuArch: 'armv7' }), machine)?.code).toBe('CpuArchMismatch')
    expect(unmetRequirement(driver({ runtime: 'c', cpuArch: 'AArch64' }), { ...machine, arch: 'arm64' })).toBeUndefined()
  })

  it('in a language that is not compiled runs on any processor', () => {
    expect(unmetRequirement(driver({ runtime: 'python3', cpuArch: 'armv7' }), machine)).toBeUndefined()
  })
})

describe('a group', () => {
  it('asks for nothing of this kind', () => {
    expect(unmetRequirement(group(), machine)).toBeUndefined()
  })
})
