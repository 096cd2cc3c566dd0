// The status page: signs in, then reads /console/state.json every few seconds while the page is visible. Text from the
// server only ever becomes text nodes.
import { showState } from './tables.js'

const refreshMs = 5000
const at = (id) => document.getElementById(id)
const form = at('sign-in')
let timer

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const { accessKeyId, accessKeySecret } = Object.fromEntries(new FormData(form))
  const button = form.querySelector('button')
  button.disabled = true
  try {
    const body = JSON.stringify({ accessKeyId: accessKeyId.trim(), accessKeySecret: accessKeySecret.trim() })
    const answer = await fetch('/console/session', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    if (!answer.ok) return tell(await messageOf(answer))
    form.reset()
    await refresh()
  } catch {
    tell('The server does not answer.')
  } finally {
    button.disabled = false
  }
})

at('sign-out').addEventListener('click', async () => {
  await fetch('/console/session', { method: 'DELETE' }).catch(() => {})
  askForKey()
})

document.addEventListener('visibilitychange', () => {
  if (!document.hidden && form.hidden) void refresh()
})

/** Reads and shows everything, and plans the next time. */
async function refresh() {
  clearTimeout(timer)
  try {
    const answer = await fetch('/console/state.json', { signal: AbortSignal.timeout(15_000) })
    if (answer.status === 401) return askForKey()
    if (!answer.ok) throw new Error(await messageOf(answer))
    const state = await answer.json()
    tell('')
    form.hidden = true
    at('state').hidden = false
    at('sign-out').hidden = false
    at('updated').textContent = `${location.host}, as of ${new Date(state.ServerTime).toLocaleTimeString()}`
    showState(state)
  } catch {
    tell('The server does not answer. What is shown is old; trying again.')
  }
  if (!document.hidden) timer = setTimeout(refresh, refreshMs)
}

function askForKey() {
  clearTimeout(timer)
  form.hidden = false
  at('state').hidden = true
  at('sign-out').hidden = true
  at('updated').textContent = location.host
  at('access-key-id').focus()
}

async function messageOf(answer) {
  const { message } = await answer.json().catch(() => ({}))
  return message ?? `The server answered ${answer.status}.`
}

function tell(text) {
  at('problem').textContent = text
  at('problem').hidden = text === ''
}

await refresh()
