// The socket of the page, against a server that is played here.
import assert from 'node:assert/strict'
import { beforeEach, mock, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** What the page imports that needs a browser or a server. */
const STAND_INS = {
  'socket.io-client': 'export const io = () => globalThis.played',
  '../client/api': 'export const api = {}',
  '../client/repeat': "export const randomId = () => 'id'",
  '../client/session':
    'export const onChange = () => {}; export const renew = async () => {}; export const token = () => undefined',
}
const standIns = {
  name: 'stand-ins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /./ }, ({ path }) =>
      path in STAND_INS ? { path, namespace: 'stand-in' } : undefined,
    )
    onLoad({ filter: /./, namespace: 'stand-in' }, ({ path }) => ({ contents: STAND_INS[path] }))
  },
}
const {
  outputFiles: [{ text: code }],
} = await build({
  entryPoints: [fileURLToPath(new URL('../src/live/socket.ts', import.meta.url))],
  bundle: true,
  format: 'esm',
  write: false,
  plugins: [standIns],
})

/** A socket whose other end is the test. */
class Played {
  listeners = new Map()
  said = []
  connects = 0
  connected = false
  on(event, listener) {
    this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener])
  }
  once(event, listener) {
    const only = (data) => {
      this.off(event, only)
      listener(data)
    }
    this.on(event, only)
  }
  off(event, listener) {
    this.listeners.set(
      event,
      this.listeners.get(event).filter((one) => one !== listener),
    )
  }
  emit(event, ...said) {
    this.said.push([event, ...said])
  }
  connect() {
    this.connects += 1
    this.connected = true
    this.id = `socket ${this.connects}`
    this.hear('connect')
    return this
  }
  disconnect() {
    this.connected = false
    this.id = undefined
    return this
  }
  hear(event, data) {
    for (const listener of this.listeners.get(event) ?? []) listener(data)
  }
  /** The `afterSeq` of the last join, and its acknowledgement. */
  joined() {
    const [, { afterSeq }, answer] = this.said.filter(([event]) => event === 'join_stream_room').at(-1)
    return { afterSeq, answer }
  }
}

let pages = 0
let socket
let page
beforeEach(async () => {
  globalThis.played = socket = new Played()
  page = await import(`data:text/javascript,${encodeURIComponent(`${code}// page ${++pages}`)}`)
  page.connect()
})

const line = (seq) => ({ seq, streamId: 1, id: `m-${seq}`, message: `${seq}` })
const lines = (from, to) => Array.from({ length: to - from + 1 }, (_, n) => line(from + n))
const history = (from, to, truncated) =>
  socket.hear('recent_chat_history', { streamId: 1, messages: lines(from, to), truncated })

/** A room that is joined, and the numbers of what it shows. */
function enter(more = {}) {
  const seen = []
  const note = (...shown) => seen.push(...shown.map(({ seq }) => seq))
  page.room(1, {
    recent_chat_history: ({ messages }) => note(...messages),
    new_message: (one) => note(one),
    ...more,
  })
  return seen
}
const upTo = (n, from = 1) => lines(from, n).map(({ seq }) => seq)

test('more was missed than one history holds', () => {
  const seen = enter()
  assert.equal(socket.joined().afterSeq, undefined)
  history(81, 100, true)
  assert.equal(socket.said.length, 1, 'who comes for the first time gets the newest')

  socket.disconnect().connect()
  assert.equal(socket.joined().afterSeq, 100)
  history(101, 600, true)
  assert.equal(socket.joined().afterSeq, 600)
  socket.hear('new_message', line(901))
  socket.hear('new_message', line(902))
  socket.hear('message_deleted', { streamId: 1, id: 'm-901', seq: 901 })
  assert.deepEqual(seen, upTo(600, 81), 'what came is held back')
  history(601, 900, false)
  socket.hear('new_message', line(903))
  assert.deepEqual(seen, [...upTo(900, 81), 902, 903])
})

test('a join that fails for now is tried again, and one that cannot be ends the waiting', () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  const refusals = []
  const seen = enter({ refused: (code) => refusals.push(code) })
  history(1, 2, false)
  socket.disconnect().connect()
  history(3, 502, true)
  socket.hear('new_message', line(1000))
  const { length } = socket.said
  socket.joined().answer({ ok: false, code: 'event.too_many', message: '', retryAfterMs: 300 })
  mock.timers.tick(299)
  assert.equal(socket.said.length, length)
  mock.timers.tick(1)
  assert.equal(socket.said.length, length + 1)
  socket.joined().answer({ ok: false, code: 'stream.not_live', message: '' })
  assert.deepEqual(refusals, ['stream.not_live'])
  assert.deepEqual(seen, [...upTo(502), 1000])
  mock.timers.reset()
})

test('a room without messages is joined again from its beginning', () => {
  const seen = enter()
  history(1, 0, false)
  socket.disconnect().connect()
  assert.equal(socket.joined().afterSeq, 0)
  history(1, 30, false)
  assert.deepEqual(seen, upTo(30))
})

test('a server that stops says when to come back', () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  socket.hear('server_draining', { reconnectInMs: 2000 })
  mock.timers.tick(1999)
  assert.equal(socket.connects, 1, 'until then there is more to hear')
  mock.timers.tick(1)
  assert.equal(socket.connects, 2)

  socket.hear('server_draining', { reconnectInMs: 2000 })
  socket.disconnect().connect()
  mock.timers.tick(2000)
  assert.equal(socket.connects, 3, 'it came back by itself')
  mock.timers.reset()
})

test('what was read is told until nobody listens', () => {
  const told = []
  const end = page.onRead((read) => told.push(read))
  const read = { ids: [7], all: false, unreadCount: 2 }
  socket.hear('notification_read', read)
  end()
  socket.hear('notification_read', { ids: [], all: true, unreadCount: 0 })
  assert.deepEqual(told, [read])
})

test('what may have been missed is read again: after a reconnection, and after a time as a guest', () => {
  let times = 0
  const end = page.onMissed(() => (times += 1))
  socket.disconnect().connect()
  assert.equal(times, 1)
  socket.hear('notification_room_joined', { room: 'user_5' })
  assert.equal(times, 1, 'nothing was missed in between')
  socket.hear('token_expired', {})
  assert.equal(times, 1, 'a guest would read nothing')
  socket.hear('notification_room_joined', { room: 'user_5' })
  assert.equal(times, 2)
  end()
  socket.disconnect().connect()
  assert.equal(times, 2)
})
