// A stand-in for the vendor's driver library for Node: the same calls on the same D-Bus library, at the same fixed path.
// It goes into a driver's package; the test puts the library's place into the line below.
'use strict'
const library = require(String('__DBUS_LIBRARY__'))

const { FUNCTION_ID: driverId } = process.env
const pathOf = (name) => `/${name.replaceAll('.', '/')}`

/** A function that ends by calling back, as a promise. */
const settle = (start) =>
  new Promise((resolve, reject) => start((error, ...values) => (error ? reject(new Error(JSON.stringify(error))) : resolve(values))))

class BusClient {
  async open(onConfig) {
    this.bus = library.createClient({ busAddress: 'unix:path=/tmp/var/run/mbusd/mbusd_socket' })
    await new Promise((resolve, reject) => {
      this.bus.connection.once('connect', resolve)
      this.bus.connection.once('error', reject)
    })
    this.register = await this.objectOf('iot.dmp.dimu')
    this.store = await this.objectOf('iot.dmp.configmanager')
    this.name = `iot.driver.id${driverId}`
    await this.take(this.name)
    const methods = { getDeviceList: ['s', 's', ['selector'], ['result']], notify_config: ['ss', 'i', ['key', 'value'], ['code']] }
    const object = {
      getDeviceList: () => JSON.stringify({ code: 0, message: 'success', params: { devNum: 0, devList: [] } }),
      notify_config: (key, value) => {
        setImmediate(() => onConfig(key, value))
        return 0
      },
    }
    this.bus.exportInterface(object, pathOf(this.name), { name: this.name, methods, signals: {}, properties: {} })
    await this.tell('registerDriver', { params: { driverLocalId: process.env.FUNCTION_NAME, driverStartupTime: `${Date.now()}` } })
  }

  async objectOf(name) {
    const [found] = await settle((done) => this.bus.getService(name).getInterface(pathOf(name), name, done))
    return found
  }

  async take(name) {
    const [code] = await settle((done) => this.bus.requestName(name, 4, done))
    if (code !== 1) throw new Error(`the name ${name} was refused with ${code}`)
  }

  async tell(method, content) {
    const [text] = await settle((done) => this.register[method](typeof content === 'string' ? content : JSON.stringify(content), done))
    const answer = JSON.parse(text)
    if (answer.code !== 0) throw new Error(`${method}: ${answer.message}`)
    return answer.params
  }

  async config(key) {
    const [code, text] = await settle((done) => this.store.get_config(key, done))
    if (code !== 0) throw new Error(`${key}: code ${code}`)
    return JSON.parse(text)
  }

  async subscribe(key) {
    const [code] = await settle((done) => this.store.subscribe_config(this.name, key, 1, done))
    if (code !== 0) throw new Error(`subscribing to ${key}: code ${code}`)
  }

  /** Brings a device online; `serve` answers {code, params} for a service and its arguments. */
  async online({ productKey, deviceName }, serve) {
    const { deviceCloudId } = await this.tell('connect', {
      productKey,
      deviceName,
      driverName: process.env.FUNCTION_NAME,
      isLocal: 'False',
    })
    const name = `iot.device.id${deviceCloudId}`
    await this.take(name)
    const object = {
      callServices: async (service, text) => {
        const { code, params } = await serve(service, JSON.parse(text).params)
        const outer = { code: code ? 100000 : 0, message: '' }
        const isProperty = service === 'get' || service === 'set'
        return JSON.stringify({ ...outer, params: isProperty ? params : { ...outer, data: params } })
      },
      connectResultNotify: () => null,
    }
    const methods = { callServices: ['ss', 's', ['name', 'args'], ['result']], connectResultNotify: ['s', '', ['result']] }
    this.bus.exportInterface(object, pathOf(name), { name, methods, signals: {}, properties: {} })
    return deviceCloudId
  }

  report(deviceCloudId, member, content) {
    const name = `iot.device.id${deviceCloudId}`
    const signal = { type: 4, destination: 'iot.dmp.subscribe', path: pathOf(name), interface: name, member }
    this.bus.connection.message({ ...signal, serial: this.bus.serial++, signature: 's', body: [JSON.stringify(content)] })
  }

  properties(deviceCloudId, values) {
    const time = Date.now()
    this.report(
      deviceCloudId,
      'propertiesChanged',
      Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value, time }])),
    )
  }
}

module.exports = { BusClient }
