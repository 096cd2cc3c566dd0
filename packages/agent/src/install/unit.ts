// What an installed agent consists of: a systemd unit, its environment file, the bundle, the data folder. Texts only; files.ts
// beside it writes them.

export const unitName = 'littoral-agent.service'

/** Where everything lies on the machine that will run it. */
export const places = {
  unit: `/etc/systemd/system/${unitName}`,
  environment: '/etc/littoral/agent.env',
  bundle: '/usr/local/lib/littoral/littoral-agent.mjs',
  data: '/var/lib/littoral-agent',
} as const

export interface UnitOptions {
  /** Absolute path of Node. */
  readonly node: string
}

// What is not here is left out on purpose. PrivateTmp: the process that keeps the ports may have its socket there and outlives
// the agent. ProtectClock, PrivateDevices: they close the devices that drivers are for. ProtectControlGroups: drivers get limits.
// MemoryDenyWriteExecute: Node compiles. A wait for the network: a node starts what it should without one.
export function unitText({ node }: UnitOptions): string {
  return `# Written by \`littoral agent install\`; a change belongs into a drop-in (systemctl edit ${unitName}).
[Unit]
Description=Littoral agent
After=network.target docker.service podman.socket
StartLimitIntervalSec=0

[Service]
ExecStart=${quoted(node)} ${places.bundle}
EnvironmentFile=${places.environment}
Environment=LITTORAL_SUPERVISOR=systemd
WorkingDirectory=/
# 83: another version was confirmed and is to be started.
SuccessExitStatus=83
Restart=always
RestartSec=1
# Only the agent itself is ended: what keeps the ports, and containers, go on. It ends its driver processes on its own.
KillMode=process
TimeoutStopSec=30
# One driver that uses up its memory must not take the others along.
OOMPolicy=continue
Delegate=yes
LimitNOFILE=65536
TasksMax=infinity
UMask=0077
NoNewPrivileges=yes
ProtectSystem=full
ProtectHome=read-only
ProtectKernelModules=yes
ProtectKernelLogs=yes
RestrictSUIDSGID=yes
LockPersonality=yes

[Install]
WantedBy=multi-user.target
`
}

/** The same file for systemd and for a shell: both know these escapes inside double quotes. */
export function environmentText(variables: Readonly<Record<string, string>>): string {
  const lines = Object.entries(variables).map(([name, value]) => `${name}="${value.replace(/[\\"$`]/g, '\\$&')}"`)
  return `# Written by \`littoral agent install\`. Holds secrets: for root alone.\n${lines.join('\n')}\n`
}

/** The value of a variable in such a file. */
export function readEnvironment(text: string, name: string): string | undefined {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name}="`))
  return line?.slice(name.length + 2, -1).replace(/\\([\\"$`])/g, '$1')
}

/** systemd reads % and spaces in a path in its own way. */
function quoted(path: string): string {
  const text = path.replaceAll('%', '%%')
  return /\s/.test(text) ? `"${text}"` : text
}
