// What the kernel says of a process: memory, processor time; and a question to a web server. For the agent's measurements.
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Resident memory, and the share of it that is the process's own where pages are shared. */
export function memoryOf(pid: number): { rssMb: number; pssMb: number } {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const megabytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) / 1024
  return { rssMb: megabytes('Rss'), pssMb: megabytes('Pss') }
}

/** Seconds of processor time that it has used so far, in steps of a hundredth. */
export function processorSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** Ends processes at once and waits until the last one is gone. */
export async function killed(pids: readonly number[]): Promise<void> {
  for (const pid of pids.filter((one) => one > 0)) signal(pid, 'SIGKILL')
  for (const end = Date.now() + 10_000; pids.some(isAlive) && Date.now() < end;) await sleep(2)
}

function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat[stat.lastIndexOf(')') + 2] !== 'Z'
  } catch {
    return false
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It is gone already.
  }
}

export function answers({ host, port }: { host: string; port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host)
    let text = ''
    socket.setTimeout(1000, () => socket.destroy())
    socket.on('connect', () => socket.write('GET / HTTP/1.0\r\n\r\n'))
    socket.on('data', (chunk) => (text += chunk.toString('latin1')))
    socket.on('error', () => {})
    socket.on('close', () => resolve(text.includes(' 200 ')))
  })
}
