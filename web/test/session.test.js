// Expired tokens, in tabs that share storage, locks and the server as the tabs of one browser do.
import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const {
  outputFiles: [{ text: code }],
} = await build({
  stdin: {
    contents: "export * from './api'; export * from './session'",
    resolveDir: fileURLToPath(new URL('../src/client', import.meta.url)),
  },
  bundle: true,
  format: 'esm',
  write: false,
})
let tabs = 0

/** Loads the client as a new tab does. */
const openTab = () => import(`data:text/javascript,${encodeURIComponent(`${code}// tab ${++tabs}`)}`)

/** A server whose refresh tokens can be used once. */
let server
const replies = {
  'POST /api/users/refresh': async (request) => {
    const { refreshToken } = await request.json()
    server.renewals += 1
    if (refreshToken !== server.refreshToken)
      return reply(401, { code: 'auth.session_over', detail: 'Sign in again.' })
    return reply(200, server.pair())
  },
  'GET /api/users/me': (request) => (isFresh(request) ? reply(200, server.user) : expired()),
  'PUT /api/users/me/profile': async (request) => {
    const { bio } = Object.fromEntries(await request.formData())
    return isFresh(request) ? reply(200, { ...server.user, bio }) : expired()
  },
  'GET /api/streams': (request) =>
    isFresh(request) || !request.headers.has('authorization') ? reply(200, { streams: [] }) : expired(),
}
const reply = (status, body) => new Response(JSON.stringify(body), { status })
const expired = () => reply(401, { code: 'auth.token_expired', detail: 'The access token has expired.' })
const isFresh = (request) => request.headers.get('authorization') === `Bearer ${server.token}`

/** Grants locks as browsers do: one holder per name. */
function locks() {
  const ends = new Map()
  return {
    request(name, work) {
      const mine = (ends.get(name) ?? Promise.resolve()).catch(() => {}).then(work)
      ends.set(name, mine)
      return mine
    },
  }
}

function define(name, value) {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true })
}

beforeEach(() => {
  server = {
    user: { id: 1, username: 'lan' },
    token: '',
    refreshToken: '',
    renewals: 0,
    created: 0,
    pair() {
      this.created += 1
      Object.assign(this, { token: `token ${this.created}`, refreshToken: `refresh ${this.created}` })
      // Without an expiry no timer keeps the test alive.
      return {
        message: '',
        user: this.user,
        token: this.token,
        refreshToken: this.refreshToken,
        expiresAt: null,
      }
    },
  }
  const stored = new Map()
  define('location', { origin: 'http://page.test' })
  define('window', new EventTarget())
  define('navigator', { locks: locks() })
  define('localStorage', {
    getItem: (key) => stored.get(key) ?? null,
    setItem: (key, value) => stored.set(key, value),
    removeItem: (key) => stored.delete(key),
  })
  define('fetch', (request) => replies[`${request.method} ${new URL(request.url).pathname}`](request))
})

/** Opens a tab with a session whose token the server rejects. */
async function openStale() {
  const tab = await openTab()
  tab.signIn(server.pair())
  server.token = 'another one'
  return tab
}
const me = (tab) => tab.unwrap(tab.api.GET('/api/users/me'))

test('calls with an expired token share one renewal', async () => {
  const tab = await openStale()
  const answers = await Promise.all([me(tab), me(tab), me(tab)])
  assert.deepEqual(
    answers.map(({ username }) => username),
    ['lan', 'lan', 'lan'],
  )
  assert.equal(server.renewals, 1)
})

test('two tabs share one renewal', async () => {
  const first = await openStale()
  const second = await openTab()
  await Promise.all([me(first), me(second), me(second)])
  assert.equal(server.renewals, 1)
  assert.equal(second.token(), server.token)
})

test('without locks, calls of one tab share one renewal', async () => {
  define('navigator', {})
  const tab = await openStale()
  await Promise.all([me(tab), me(tab)])
  assert.equal(server.renewals, 1)
})

test('a form is resent unchanged after a renewal', async () => {
  const tab = await openStale()
  const body = { bio: 'Plays chess.' }
  assert.equal(
    (await tab.unwrap(tab.api.PUT('/api/users/me/profile', { body, bodySerializer: tab.asForm }))).bio,
    'Plays chess.',
  )
})

test('an ended session signs the user out once', async () => {
  const tab = await openStale()
  server.refreshToken = 'another one'
  const reasons = []
  tab.onChange((reason) => reasons.push(reason))
  assert.deepEqual(await tab.unwrap(tab.api.GET('/api/streams')), { streams: [] })
  await assert.rejects(me(tab), { code: 'auth.token_expired', status: 401 })
  assert.equal(tab.user(), null)
  assert.deepEqual(reasons, ['out'])
  assert.equal(server.renewals, 1)
})

test('an unreachable server does not end the session', async () => {
  const tab = await openStale()
  const { fetch: reached } = globalThis
  define('fetch', (request) =>
    request.url.endsWith('/refresh') ? Promise.reject(new TypeError('offline')) : reached(request),
  )
  await assert.rejects(me(tab), { status: 0 })
  assert.equal(tab.user()?.username, 'lan')
})

test('errors are described by their fields, or else by their detail', async () => {
  const { Problem, errorText } = await openTab()
  const errors = [
    { path: 'title', msg: 'must be 3 to 255 characters' },
    { path: 'bio', msg: 'is missing' },
  ]
  assert.equal(
    errorText(new Problem(400, { detail: 'Bad.', errors })),
    'title must be 3 to 255 characters; bio is missing',
  )
  assert.equal(
    errorText(Problem.parse(409, '{"detail":"This name is taken.","errors":[]}')),
    'This name is taken.',
  )
  assert.equal(errorText(Problem.parse(502, '<html>')), 'The server sent an unexpected response.')
})
