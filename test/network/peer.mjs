// The small programs that run inside the test's namespaces, beside the real server and the real agent. Plain JavaScript, so
// that they start at once. Each says `ready` when it is, and takes what it should do from now on as lines of JSON on stdin.
//
//   relay <unix socket> <host> <port>   from outside the namespace to a server in it
//   delay <port> <host> <to port>       a link that is slow in both directions: {"delayMs": 400, "jitterMs": 200}
//   dns <host>                          a name server that knows one name: {"address": "198.51.100.1"}, or null: silent
import dgram from 'node:dgram'
import net from 'node:net'
import { createInterface } from 'node:readline'

const [, , role, ...args] = process.argv
let setting = {}
createInterface({ input: process.stdin }).on('line', (line) => {
  setting = JSON.parse(line)
  process.stdout.write('taken\n')
})
process.stdin.on('end', () => process.exit(0))
const ready = () => process.stdout.write('ready\n')

function join(one, other, wire) {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ]) {
    wire(from, to)
    from.on('error', () => to.destroy())
    from.on('close', () => to.destroy())
  }
}

/** In order, each chunk late by the delay of the moment. */
function slowly(from, to) {
  let freeAtMs = 0
  from.on('data', (chunk) => {
    const { delayMs = 0, jitterMs = 0 } = setting
    freeAtMs = Math.max(freeAtMs, Date.now() + delayMs + Math.random() * jitterMs)
    setTimeout(() => to.writable && to.write(chunk), freeAtMs - Date.now())
  })
}

const roles = {
  relay([path, host, port]) {
    const target = { host, port: Number(port) }
    const open = (near) => join(near, net.connect(setting.host ? setting : target), (from, to) => from.pipe(to))
    net.createServer(open).listen(path, ready)
  },
  delay([port, host, toPort]) {
    const open = (near) => join(near, net.connect({ host, port: Number(toPort) }), slowly)
    net.createServer(open).listen({ host: '0.0.0.0', port: Number(port) }, ready)
  },
  dns([host]) {
    const socket = dgram.createSocket('udp4')
    socket.on('message', (question, from) => {
      if (setting.address) socket.send(answer(question, setting.address), from.port, from.address)
    })
    socket.bind(53, host, ready)
  },
}

/** One A record for whatever was asked, good for no time at all; nothing for other types. */
function answer(question, address) {
  let end = 12
  while (question[end] !== 0) end += question[end] + 1
  end += 5
  const isAddress = question.readUInt16BE(end - 4) === 1
  const head = Buffer.from(question.subarray(0, end))
  head.writeUInt16BE(0x8180, 2)
  head.writeUInt16BE(isAddress ? 1 : 0, 6)
  head.writeUInt32BE(0, 8)
  if (!isAddress) return head
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...address.split('.').map(Number)])
  return Buffer.concat([head, record])
}

roles[role](args)
