// What the gateway's objects say of themselves: libraries for drivers make their calls from it.
// Names and signatures are those the vendor's driver libraries call (contract: iot-edge §8).

interface Method {
  readonly name: string
  readonly takes: string
  readonly gives: string
}

const one = (name: string): Method => ({ name, takes: 's', gives: 's' })

export const methods = {
  'iot.dmp.configmanager': [
    { name: 'get_config', takes: 's', gives: 'is' },
    { name: 'subscribe_config', takes: 'ssi', gives: 'i' },
    { name: 'unsubscribe_config', takes: 'ss', gives: 'i' },
  ],
  'iot.dmp.dimu': ['registerDriver', 'unregisterDriver', 'connect', 'disconnect', 'startupDevice', 'shutdownDevice']
    .concat(['registerDevice', 'unregisterDevice'])
    .map(one),
  'iot.gateway.fileUploader': [{ name: 'addFileUpload', takes: 'is', gives: 's' }],
} satisfies Record<string, readonly Method[]>

export type ServedName = keyof typeof methods

export function isServed(name: string): name is ServedName {
  return name in methods
}

const head =
  '<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN" ' +
  '"http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">'

// Old libraries take a list of one for no list, so there is never just one interface.
const self =
  '<interface name="org.freedesktop.DBus.Introspectable"><method name="Introspect"><arg direction="out" type="s"/></method></interface>'

export function introspect(name: ServedName): string {
  const lines = methods[name].map((method) => `<method name="${method.name}">${args(method)}</method>`)
  return `${head}<node><interface name="${name}">${lines.join('')}</interface>${self}</node>`
}

function args({ takes, gives }: Method): string {
  const one = (direction: string) => (type: string) => `<arg direction="${direction}" type="${type}"/>`
  return [...takes.split('').map(one('in')), ...gives.split('').map(one('out'))].join('')
}

export const busXml = `${head}<node><interface name="org.freedesktop.DBus"><method name="Hello"><arg direction="out" type="s"/></method></interface></node>`
