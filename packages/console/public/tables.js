// The tables of the status page: the server's state in, elements out. A state is always a word with a sign.

/** Fills every section of the page. */
export function showState(state) {
  show('nodes', state.Nodes, (part) => nodesTable(part))
  show('apps', state.Apps, (part) => appsTable(part))
  show('workloads', state.Workloads, (part) => workloadsTable(part))
  show('devices', state.Devices, (part) => devicesTable(part))
  show('instances', state.Instances, (part) => instancesTable(part))
  show('drivers', state.Drivers, (part) => driversTable(part))
  show('loops', state.Loops, (part) => loopsTable(part))
}

function nodesTable({ Nodes, TotalCount }) {
  if (Nodes.length === 0)
    return [note('No node has joined yet. Make a token with ', code('littoral token'), ' and start an agent with it.')]
  const rows = Nodes.map((node) => {
    const isCurrent = node.AcceptedGeneration >= node.DesiredGeneration
    const runtimes = node.Runtimes.filter((runtime) => runtime.IsAvailable).map((runtime) => runtime.Name)
    return [
      [node.Name, small(node.NodeId)],
      [node.IsOnline ? state('good', 'online') : state('bad', 'offline'), small(node.IsOnline ? '' : seen(node.LastSeenAt))],
      [node.Region],
      [node.Environments.join(', ')],
      [
        state(isCurrent ? 'good' : 'busy', isCurrent ? 'up to date' : 'behind'),
        small(`${node.AcceptedGeneration} of ${node.DesiredGeneration}`),
      ],
      [runtimes.join(', ') || 'none', small(node.DriverRuntimes.join(', '))],
      [`${node.Os} ${node.Arch}`, small(`agent ${node.AgentVersion}, edge ${node.EdgeVersion}`)],
    ]
  })
  return table('Nodes', ['Node', 'State', 'Region', 'Environments', 'Desired state', 'Runtimes', 'System'], rows, TotalCount)
}

function appsTable({ Apps, TotalCount }) {
  if (Apps.length === 0) return [note('There is no app yet.')]
  const rows = Apps.map((app) => [
    [app.Name, small(app.AppId)],
    [`${app.ServicePort} → ${app.TargetPort}`],
    [String(app.VersionCount)],
    environment(app.Staging),
    environment(app.Prod),
  ])
  return table('Apps', ['App', 'Ports', 'Versions', 'Staging', 'Production'], rows, TotalCount)
}

const phaseTones = { Running: 'good', Failed: 'bad', CrashLoopBackOff: 'bad', ImagePullBackOff: 'bad', Unknown: 'bad' }

function environment(status) {
  if (status.Error !== undefined) return [state('bad', 'unknown'), small(status.Error)]
  if (status.PublishStatus === undefined) return [state('idle', 'nothing published')]
  const parts = []
  const isPublished = status.PublishStatus === 'published'
  if (status.DeployStatus === 'undeploying') parts.push(state('busy', 'being taken down'))
  else if (isPublished) parts.push(state('good', 'published'))
  else parts.push(state('busy', `${status.PublishStatus} ${status.PublishPercentage}%`))
  if (status.Phase !== undefined && status.Phase !== 'NoContainer') parts.push(' ', state(phaseTones[status.Phase] ?? 'busy', status.Phase))
  parts.push(small(status.DeployedVersion === undefined ? 'nothing runs' : `runs ${status.DeployedVersion}`))
  if (!isPublished && status.PublishingVersion !== undefined) parts.push(small(`to become ${status.PublishingVersion}`))
  if (status.Addresses?.length > 0) parts.push(small(`at ${status.Addresses.join(', ')}`))
  if (status.Restarts > 0) parts.push(small(`${status.Restarts} restart${status.Restarts === 1 ? '' : 's'}`))
  return parts
}

const workloadTones = { ready: 'good', failed: 'bad', backoff: 'bad', unready: 'bad', gone: 'idle' }

function workloadsTable({ Workloads, TotalCount }) {
  if (Workloads.length === 0) return [note('No node should run anything, or says that it does.')]
  const rows = Workloads.map(({ NodeName, Key, Desired, Reported, IsCurrent }) => [
    [Key],
    [NodeName],
    [Desired?.Version ?? 'nothing any more'],
    Reported === undefined
      ? [state('busy', 'not heard of yet')]
      : [
          state(workloadTones[Reported.Phase] ?? 'busy', Reported.Phase),
          small(IsCurrent ? '' : `seen: ${Reported.Version}, not what is wanted`),
          small(Reported.Reason === undefined ? '' : `${Reported.Reason.Code}: ${Reported.Reason.Message}`),
        ],
    [Reported?.Addresses.join(', ') ?? ''],
    [Reported === undefined ? '' : String(Reported.Restarts)],
  ])
  return table('Workloads', ['Workload', 'Node', 'Wanted version', 'State', 'Address', 'Restarts'], rows, TotalCount)
}

const shownProperties = 6

function devicesTable({ Devices, TotalCount }) {
  if (Devices.length === 0) return [note('No driver has brought a device online yet.')]
  const rows = Devices.map(({ ProductKey, DeviceName, DriverId, NodeName, IsOnline, Since, Properties }) => {
    const newest = Properties.map(({ At }) => At)
      .sort()
      .at(-1)
    const values = Properties.slice(0, shownProperties).map(({ Name, Value }) => `${Name} ${Value.slice(0, 40)}`)
    const rest = Properties.length - values.length
    return [
      [DeviceName, small(ProductKey)],
      [IsOnline ? state('good', 'online') : state('bad', 'offline'), small(`since ${time(Since)}`)],
      [values.join(', '), small(rest > 0 ? `and ${rest} more` : ''), small(newest === undefined ? '' : `as of ${time(newest)}`)],
      [NodeName],
      [DriverId],
    ]
  })
  return table('Devices', ['Device', 'State', 'Properties', 'Node', 'Driver'], rows, TotalCount)
}

const tiers = { 10: 'lite', 20: 'standard', 30: 'professional' }
const deploymentStates = [
  ['busy', 'created'],
  ['busy', 'under way'],
  ['good', 'succeeded'],
  ['bad', 'failed'],
]

function instancesTable({ InstanceList, Total }) {
  if (InstanceList.length === 0) return [note('There is no edge instance yet.')]
  const rows = InstanceList.map((instance) => {
    const [tone, word] = deploymentStates[instance.LatestDeploymentStatus] ?? ['idle', 'not deployed']
    return [
      [instance.Name, small(instance.InstanceId)],
      [tiers[instance.Spec] ?? String(instance.Spec)],
      [instance.BizEnable ? state('good', 'enabled') : state('idle', 'disabled')],
      [state(tone, word), small(instance.LatestDeploymentType ?? '')],
      [time(instance.GmtModifiedTimestamp)],
    ]
  })
  return table('Edge instances', ['Instance', 'Tier', 'State', 'Last deployment', 'Changed'], rows, Total)
}

function driversTable({ DriverList, Total }) {
  if (DriverList.length === 0) return [note('There is no driver of your own yet.')]
  const rows = DriverList.map((driver) => [
    [driver.DriverName, small(driver.DriverId)],
    [driver.Runtime],
    [driver.DriverProtocol],
    [driver.CpuArch ?? ''],
    [time(driver.GmtModifiedTimestamp)],
  ])
  return table('Drivers', ['Driver', 'Runtime', 'Protocol', 'Processor', 'Changed'], rows, Total)
}

function loopsTable(loops) {
  const rows = loops.map(({ name, isRunning, failures, lastPass }) => {
    const tone = failures > 0 ? 'bad' : isRunning ? 'busy' : 'good'
    const word = failures > 0 ? `failed ${failures} time${failures === 1 ? '' : 's'} in a row` : isRunning ? 'running' : 'waiting'
    return [
      [name],
      [state(tone, word), small(lastPass?.error ?? '')],
      [lastPass === undefined ? '' : time(lastPass.startedAtMs)],
      [lastPass === undefined ? '' : `${lastPass.tookMs} ms`],
      [lastPass === undefined ? '' : String(lastPass.decisions)],
    ]
  })
  return table('Server loops', ['Loop', 'State', 'Last pass', 'Took', 'Decisions'], rows, rows.length)
}

/** Puts a part in its place, or says why it is not there. Nothing is touched when nothing changed, so that focus and selection stay. */
function show(id, part, make) {
  const text = JSON.stringify(part)
  const place = document.getElementById(id)
  if (place.dataset.shown === text) return
  place.dataset.shown = text
  place.replaceChildren(...(part.Error === undefined ? make(part) : [note(part.Error)]))
}

// Narrow screens show rows as blocks, which takes a table's meaning away in some browsers; the roles give it back.
function table(caption, heads, rows, total) {
  const head = element(
    'tr',
    { role: 'row' },
    heads.map((text) => element('th', { scope: 'col', role: 'columnheader' }, [text])),
  )
  const body = rows.map((cells) =>
    element(
      'tr',
      { role: 'row' },
      cells.map((content, column) => cell(heads[column], content, column)),
    ),
  )
  const whole = element('table', { role: 'table', 'aria-label': caption }, [
    element('thead', { role: 'rowgroup' }, [head]),
    element('tbody', { role: 'rowgroup' }, body),
  ])
  const rest = total > rows.length ? [element('p', { class: 'more' }, [`Shown: ${rows.length} of ${total}.`])] : []
  return [element('div', { class: 'sheet' }, [whole]), ...rest]
}

function cell(label, content, column) {
  const parts = content.filter((part) => part !== '' && part !== undefined)
  if (column === 0) return element('th', { scope: 'row', role: 'rowheader' }, parts)
  return element('td', { role: 'cell', 'data-label': label, class: parts.length === 0 ? 'empty' : '' }, [element('div', {}, parts)])
}

const signs = { good: '✓', busy: '…', bad: '✕', idle: '–' }

function state(tone, word) {
  const sign = element('span', { 'aria-hidden': 'true' }, [`${signs[tone]} `])
  return element('span', { class: `state ${tone}` }, [sign, word])
}

const small = (text) => (text === '' ? '' : element('small', {}, [text]))
const code = (text) => element('code', {}, [text])
const note = (...parts) => element('p', { class: 'sheet note' }, parts)
const seen = (text) => (text === undefined ? 'never seen' : `last seen ${time(text)}`)

/** A moment of today by its time alone. */
function time(moment) {
  const date = new Date(moment)
  return date.toDateString() === new Date().toDateString() ? date.toLocaleTimeString() : date.toLocaleString()
}

function element(name, attributes, children) {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) if (value !== '') made.setAttribute(key, value)
  made.append(...children)
  return made
}
