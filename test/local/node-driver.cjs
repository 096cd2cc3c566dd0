// A driver for Node: every device of its config comes online, reports what it was configured with, and can add.
'use strict'
const { BusClient } = require('./bus-client.cjs')

const key = `gw_driverconfig_${process.env.FUNCTION_ID}`
const client = new BusClient()
const online = new Map()

async function follow() {
  const { config, deviceList } = await client.config(key)
  for (const device of deviceList) {
    const id = online.get(device.deviceName) ?? (await begin(device))
    client.properties(id, { unit: config.json.unit })
  }
}

async function begin(device) {
  let id
  const serve = (service, args) => {
    if (service === 'add') return { code: 0, params: { sum: args.a + args.b } }
    if (service !== 'set') return { code: -3, params: {} }
    client.properties(id, args)
    return { code: 0, params: {} }
  }
  id = await client.online(device, serve)
  online.set(device.deviceName, id)
  const { profile } = await client.config(`gw_TSL_${device.productKey}`)
  const { slave } = JSON.parse(device.custom ?? '{"slave":0}')
  client.properties(id, { slave, model: profile.productKey, pid: process.pid })
  client.report(id, 'started', { params: { time: Date.now(), value: { slave } } })
  console.log('online:', device.deviceName)
  return id
}

client
  .open(() => follow())
  .then(() => client.subscribe(key))
  .then(follow)
  .catch((error) => {
    console.error(error)
    process.exit(1)
  })
exports.handler = () => {}
