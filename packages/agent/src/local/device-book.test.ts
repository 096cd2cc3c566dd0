// What the server is told of devices: once, in bounds, and again when it did not take it.
import type { DeviceReport } from '@littoral/contract/node/device-report'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { DeviceBook } from './device-book.ts'

const one = { productKey: 'pk', deviceName: 'one' }
const value = (name: string, content: unknown, atMs = 1) => ({ name, value: JSON.stringify(content), atMs })

let book: DeviceBook
let log: string[]
let sent: DeviceReport[]
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] })
  log = []
  sent = []
  book = new DeviceBook({ log: (line) => void log.push(line), minIntervalMs: 1000, takenTimeoutMs: 30_000 })
})
afterEach(() => {
  book.close()
  vi.useRealTimers()
})

const connect = () => book.connected((report) => void sent.push(report))
const settle = (ms = 1000) => vi.advanceTimersByTimeAsync(ms)
const take = async () => {
  book.taken(sent.at(-1)!.seq)
  await settle()
}

describe('what the server is told', () => {
  it('begins with who is online, even when that is nobody', async () => {
    connect()
    await settle()
    expect(sent).toEqual([{ seq: 1, online: [], devices: [] }])
    await take()
    expect(sent).toHaveLength(1)
  })

  it('is the newest value of a property and every event, one message at a time', async () => {
    connect()
    await settle()
    await take()
    book.setOnline(one, 'd', true)
    for (const t of [1, 2, 3]) book.setProperties(one, 'd', [value('t', t, t)])
    for (const n of [1, 2]) book.addEvent(one, 'd', value('beep', n, n))
    await settle()
    expect(sent).toHaveLength(2)
    expect(sent[1]!.devices).toMatchObject([
      { deviceName: 'one', state: { isOnline: true }, properties: [{ value: '3' }], events: [{ value: '1' }, { value: '2' }] },
    ])
    book.setProperties(one, 'd', [value('t', 4, 4)])
    await settle(5000)
    expect(sent).toHaveLength(2)
    await take()
    expect(sent[2]!.devices).toMatchObject([{ properties: [{ value: '4' }], events: [] }])
  })

  it('comes again, with newer values in place of older ones, when the connection was lost before it was taken', async () => {
    book.setOnline(one, 'd', true)
    connect()
    book.setProperties(one, 'd', [value('t', 1)])
    book.addEvent(one, 'd', value('beep', 1))
    await settle()
    book.disconnected()
    book.setProperties(one, 'd', [value('t', 2, 2)])
    book.addEvent(one, 'd', value('beep', 2, 2))
    connect()
    await settle()
    expect(sent).toHaveLength(2)
    expect(sent[1]).toMatchObject({ online: [one], devices: [{ properties: [{ value: '2' }], events: [{ value: '1' }, { value: '2' }] }] })
  })

  it('comes again when the server does not take it in time', async () => {
    connect()
    book.setOnline(one, 'd', true)
    await settle()
    await settle(32_000)
    expect(sent).toHaveLength(2)
    expect(sent[1]).toMatchObject({ online: [one], devices: [{ state: { isOnline: true } }] })
    // An answer to the message before is no answer to this one.
    book.taken(sent[0]!.seq)
    await settle(5000)
    expect(sent).toHaveLength(2)
  })

  it('is bounded for each device and for each value, and what is left out is said', async () => {
    connect()
    for (let n = 0; n < 150; n++) book.addEvent(one, 'd', value('beep', n, n))
    book.setProperties(
      one,
      'd',
      Array.from({ length: 250 }, (_, n) => value(`p${n}`, n)),
    )
    book.setProperties(one, 'd', [value('p0', 'x'.repeat(9000)), value('n'.repeat(65), 1)])
    await settle()
    const [news] = sent[0]!.devices
    expect(news!.events).toHaveLength(100)
    expect(news!.events[0]!.value).toBe('50')
    expect(news!.properties).toHaveLength(200)
    expect(log.join()).toContain('102 values')
  })

  it('is at most two hundred devices in one message, and the rest follows', async () => {
    for (let n = 0; n < 300; n++) book.setOnline({ productKey: 'pk', deviceName: `d${n}` }, 'd', true)
    connect()
    await settle()
    expect(sent[0]!.devices).toHaveLength(200)
    expect(sent[0]!.online).toHaveLength(300)
    await take()
    expect(sent[1]!.devices).toHaveLength(100)
  })

  it('ends for a device that is offline once the server knows it', async () => {
    connect()
    book.setOnline(one, 'd', true)
    await settle()
    await take()
    book.setOnline(one, 'd', false)
    await settle()
    await take()
    for (let n = 0; n < 5000; n++) expect(book.setOnline({ productKey: 'pk', deviceName: `d${n}` }, 'd', true)).toBe(true)
    expect(book.setOnline(one, 'd', true)).toBe(false)
  })
})
