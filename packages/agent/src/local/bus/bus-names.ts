// The bus itself as its clients call it: names and who has them. Every call of the specification that libraries for drivers make
// is answered; matches are accepted and do nothing, because nothing but this agent ever sends a signal here.
import { type BusAnswer, BusError, type BusLine, type BusRequest, guid, ownName } from './bus-line.ts'
import { busXml } from './introspection.ts'

export const busName = 'org.freedesktop.DBus'
const peer = 'org.freedesktop.DBus.Peer'
const introspectable = 'org.freedesktop.DBus.Introspectable'
const alreadyRunning = 2
const outcomes = { owner: 1, already: 4, notOwner: 3, unknown: 2 } as const
const mostNames = 6000
/** More than the specification has, as names of devices have more. */
const busNames = /^[A-Za-z0-9_.:@-]{1,255}$/

export interface BusPolicy {
  /** What this agent answers to under names of its own. */
  readonly served: ReadonlySet<string>
  readonly lines: () => Iterable<BusLine>
  /** Throws BusError where the driver must not have the name. */
  readonly checkName: (name: string, line: BusLine) => void
  /** A name was given up. */
  readonly onReleased?: (name: string, line: BusLine) => void
}

export async function answerBus(request: BusRequest, line: BusLine, policy: BusPolicy): Promise<BusAnswer> {
  if (request.interface === introspectable) return text(busXml)
  const call = calls[request.member]
  if (!call) throw new BusError('org.freedesktop.DBus.Error.UnknownMethod', `the bus has no ${request.member}`)
  return { sender: busName, ...call(request, line, policy) }
}

/** What every object on every bus answers. */
export function answerPeer(request: BusRequest): BusAnswer | undefined {
  if (request.interface !== peer) return undefined
  if (request.member === 'Ping') return nothing
  return request.member === 'GetMachineId' ? text(guid) : undefined
}

const nothing: BusAnswer = { signature: '', body: [] }
const text = (value: string): BusAnswer => ({ signature: 's', body: [value] })
const number = (value: number): BusAnswer => ({ signature: 'u', body: [value] })

type Call = (request: BusRequest, line: BusLine, policy: BusPolicy) => BusAnswer

const calls: Readonly<Record<string, Call>> = {
  Hello(_request, line) {
    queueMicrotask(() => acquired(line, line.unique))
    return text(line.unique)
  },
  RequestName(request, line, policy) {
    const name = nameOf(request)
    if (line.names.has(name)) return number(outcomes.already)
    policy.checkName(name, line)
    if (line.names.size >= mostNames) throw new BusError('org.freedesktop.DBus.Error.LimitsExceeded', 'too many names')
    if (ownerOf(name, line, policy) !== undefined) return number(outcomes.notOwner)
    line.names.add(name)
    queueMicrotask(() => acquired(line, name))
    return number(outcomes.owner)
  },
  ReleaseName(request, line, policy) {
    const name = nameOf(request)
    if (line.names.delete(name)) {
      policy.onReleased?.(name, line)
      return number(1)
    }
    return number(ownerOf(name, line, policy) === undefined ? outcomes.unknown : outcomes.notOwner)
  },
  NameHasOwner: (request, line, policy) => ({ signature: 'b', body: [ownerOf(nameOf(request), line, policy) === undefined ? 0 : 1] }),
  GetNameOwner(request, line, policy) {
    const owner = ownerOf(nameOf(request), line, policy)
    if (owner === undefined) throw new BusError('org.freedesktop.DBus.Error.NameHasNoOwner', `nobody has ${nameOf(request)}`)
    return text(owner)
  },
  StartServiceByName(request, line, policy) {
    const name = nameOf(request)
    if (ownerOf(name, line, policy) === undefined)
      throw new BusError('org.freedesktop.DBus.Error.ServiceUnknown', `this gateway does not offer ${name}`)
    return number(alreadyRunning)
  },
  ListNames: (_request, line, policy) => ({ signature: 'as', body: [[busName, ...policy.served, line.unique, ...line.names]] }),
  ListActivatableNames: (_request, _line, policy) => ({ signature: 'as', body: [[busName, ...policy.served]] }),
  GetId: () => text(guid),
  AddMatch: () => nothing,
  RemoveMatch: () => nothing,
}

function nameOf({ values: [name] }: BusRequest): string {
  if (typeof name === 'string' && busNames.test(name)) return name
  throw new BusError('org.freedesktop.DBus.Error.InvalidArgs', 'a name of 1 to 255 letters, digits and - _ . : @ is needed')
}

function ownerOf(name: string, line: BusLine, policy: BusPolicy): string | undefined {
  if (name === busName) return busName
  if (policy.served.has(name)) return ownName
  if (name === line.unique || line.names.has(name)) return line.unique
  for (const other of policy.lines()) if (other.names.has(name)) return other.unique
  return undefined
}

function acquired(line: BusLine, name: string): void {
  const signal = { path: '/org/freedesktop/DBus', interface: busName, member: 'NameAcquired', signature: 's', body: [name] }
  line.signal(signal, busName)
}
