// The signed-in user. All tabs share the tokens in localStorage; one tab at a time renews them.
import { connect, type Schemas, unwrap } from './connect'
import { Problem } from './problem'

export type Me = Schemas['Me']
type Session = Pick<Schemas['Session'], 'user' | 'token' | 'refreshToken' | 'expiresAt'>
/** A user signed in or out; the tokens were renewed; or the profile was edited. */
type Reason = 'in' | 'out' | 'renewed' | 'edited'

const KEY = 'airwave.session'
const RENEW_BEFORE_MS = 60_000
const MIN_DELAY_MS = 1000
/** setTimeout's limit is 2^31 - 1. */
const MAX_DELAY_MS = 2 ** 30
const changes = new EventTarget()
/** Renewal must not send the expired token. */
const anonymous = connect((request) => fetch(request))
let current = read()
let timer: ReturnType<typeof setTimeout> | undefined

function read(): Session | null {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? 'null') as Session | null
  } catch {
    return null
  }
}

function keep({ user, token, refreshToken, expiresAt }: Session, reason: Reason) {
  current = { user, token, refreshToken, expiresAt }
  localStorage.setItem(KEY, JSON.stringify(current))
  changed(reason)
}

function changed(reason: Reason) {
  plan()
  changes.dispatchEvent(new CustomEvent('change', { detail: reason }))
}

/** Schedules a renewal before the token expires. */
function plan() {
  clearTimeout(timer)
  if (!current?.expiresAt) return
  const left = Date.parse(current.expiresAt) - Date.now() - RENEW_BEFORE_MS
  const stale = current.token
  timer = setTimeout(() => renew(stale).catch(() => {}), Math.min(Math.max(left, MIN_DELAY_MS), MAX_DELAY_MS))
}

export const token = () => current?.token
export const user = () => current?.user ?? null
export const isAdmin = () => user()?.role === 'admin'

export function onChange(listener: (reason: Reason) => void) {
  changes.addEventListener('change', (event) => listener((event as CustomEvent<Reason>).detail))
}

/** Stores the session after registering, signing in or changing the password. */
export function signIn(answer: Session) {
  keep(answer, current?.user.id === answer.user.id ? 'renewed' : 'in')
}

export function edited(user: Me) {
  if (current) keep({ ...current, user }, 'edited')
}

export function forget() {
  if (!current) return
  current = null
  localStorage.removeItem(KEY)
  changed('out')
}

/** Renews the tokens, unless another call or tab has done so since `stale` was sent. */
export async function renew(stale: string) {
  // A refresh token works once, and its second use ends the session: so one renewal at a time, across tabs.
  // Pages of insecure origins have no locks; there the calls of one tab wait for each other.
  if (navigator.locks) return navigator.locks.request(KEY, () => renewOnce(stale))
  pending = pending.catch(() => {}).then(() => renewOnce(stale))
  return pending
}
let pending: Promise<void> = Promise.resolve()

async function renewOnce(stale: string) {
  const stored = read()
  if (stored?.token !== stale) return adopt(stored)
  try {
    keep(
      await unwrap(anonymous.POST('/api/users/refresh', { body: { refreshToken: stored.refreshToken } })),
      'renewed',
    )
  } catch (problem) {
    if (!(problem instanceof Problem) || (problem.status !== 400 && problem.status !== 401)) throw problem
    forget()
  }
}

/** Takes over the session that another tab stored. */
function adopt(stored: Session | null) {
  const before = current
  current = stored
  if (before?.token === stored?.token && before?.user.id === stored?.user.id) return
  changed(!stored ? 'out' : before?.user.id === stored.user.id ? 'renewed' : 'in')
}

window.addEventListener('storage', (event) => {
  if (event.key === KEY) adopt(read())
})
plan()
