// Who is signed in. The tokens lie in localStorage, shared by all tabs; one tab at a time renews them.

const KEY = 'airwave.session'
const RENEW_BEFORE_MS = 60_000
const changes = new EventTarget()
let current = read()
let timer

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY))
  } catch {
    return null
  }
}

function changed(reason) {
  clearTimeout(timer)
  if (current) {
    const left = Date.parse(current.expiresAt) - Date.now() - RENEW_BEFORE_MS
    timer = setTimeout(() => renew().catch(() => {}), Math.min(Math.max(left, 1000), 2 ** 30))
  }
  changes.dispatchEvent(new CustomEvent('change', { detail: { reason } }))
}

export const session = () => current
export const user = () => current?.user ?? null
export const onChange = (listener) => changes.addEventListener('change', (event) => listener(event.detail.reason))

export function signIn(answer) {
  const { user, token, refreshToken, expiresAt } = answer
  current = { user, token, refreshToken, expiresAt }
  localStorage.setItem(KEY, JSON.stringify(current))
  changed('in')
}

export function forget() {
  if (!current) return
  current = null
  localStorage.removeItem(KEY)
  changed('out')
}

// A refresh token works once, and its second use ends the session: so only one tab may use it.
export async function renew() {
  const stale = current?.token
  const once = async () => {
    current = read()
    if (!current) return changed('out')
    if (current.token !== stale) return changed('renewed')
    const response = await fetch('/api/users/refresh', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ refreshToken: current.refreshToken }),
    })
    if (response.status === 401 || response.status === 400) return forget()
    if (!response.ok) throw new Error('The session could not be renewed.')
    const { user, token, refreshToken, expiresAt } = await response.json()
    current = { user, token, refreshToken, expiresAt }
    localStorage.setItem(KEY, JSON.stringify(current))
    changed('renewed')
  }
  return navigator.locks ? navigator.locks.request(KEY, once) : once()
}

window.addEventListener('storage', (event) => {
  if (event.key !== KEY) return
  const before = current?.user.id
  current = read()
  changed(!current ? 'out' : current.user.id === before ? 'renewed' : 'in')
})

export function start() {
  changed('start')
}
