// The page's socket, against a fake server.
import assert from 'node:assert/strict'
import { beforeEach, mock, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** Fakes of the imports that need a browser or a server. */
const FAKES = {
  'socket.io-client': 'export const io = () => globalThis.fakeSocket',
  '../client/api': 'export const api = {}',
  '../client/idempotency': "export const randomId = () => 'id'",
  '../client/session':
    'export const onChange = () => {}; export const renew = async () => {}; export const token = () => undefined',
}
const fakes = {
  name: 'fakes',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /./ }, ({ path }) => (path in FAKES ? { path, namespace: 'fake' } : undefined))
    onLoad({ filter: /./, namespace: 'fake' }, ({ path }) => ({ contents: FAKES[path] }))
  },
}
const {
  outputFiles: [{ text: code }],
} = await build({
  entryPoints: [fileURLToPath(new URL('../src/live/socket.ts', import.meta.url))],
  bundle: true,
  format: 'esm',
  write: false,
  plugins: [fakes],
})

/** A socket whose server is the test. */
class FakeSocket {
  listeners = new Map()
  emitted = []
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
  emit(event, ...args) {
    this.emitted.push([event, ...args])
  }
  connect() {
    this.connects += 1
    this.connected = true
    this.id = `socket ${this.connects}`
    this.receive('connect')
    return this
  }
  disconnect() {
    this.connected = false
    this.id = undefined
    return this
  }
  receive(event, data) {
    for (const listener of this.listeners.get(event) ?? []) listener(data)
  }
  /** Returns the `afterSeq` of the last join, and its acknowledgement callback. */
  joined() {
    const [, { afterSeq }, answer] = this.emitted.filter(([event]) => event === 'join_stream_room').at(-1)
    return { afterSeq, answer }
  }
}

let pages = 0
let socket
let page
beforeEach(async () => {
  globalThis.fakeSocket = socket = new FakeSocket()
  page = await import(`data:text/javascript,${encodeURIComponent(`${code}// page ${++pages}`)}`)
  page.connect()
})

const line = (seq) => ({ seq, streamId: 1, id: `m-${seq}`, message: `${seq}` })
const lines = (from, to) => Array.from({ length: to - from + 1 }, (_, n) => line(from + n))
const history = (from, to, truncated) =>
  socket.receive('recent_chat_history', { streamId: 1, messages: lines(from, to), truncated })

/** Joins a room and collects the sequence numbers that it shows. */
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

test('several histories fill a large gap in order', () => {
  const seen = enter()
  assert.equal(socket.joined().afterSeq, undefined)
  history(81, 100, true)
  assert.equal(socket.emitted.length, 1, 'the first history contains the newest messages')

  socket.disconnect().connect()
  assert.equal(socket.joined().afterSeq, 100)
  history(101, 600, true)
  assert.equal(socket.joined().afterSeq, 600)
  socket.receive('new_message', line(901))
  socket.receive('new_message', line(902))
  socket.receive('message_deleted', { streamId: 1, id: 'm-901', seq: 901 })
  assert.deepEqual(seen, upTo(600, 81), 'new messages wait for the missing ones')
  history(601, 900, false)
  socket.receive('new_message', line(903))
  assert.deepEqual(seen, [...upTo(900, 81), 902, 903])
})

test('a temporary join error is retried, and a final one delivers pending messages', () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  const refusals = []
  const seen = enter({ refused: (code) => refusals.push(code) })
  history(1, 2, false)
  socket.disconnect().connect()
  history(3, 502, true)
  socket.receive('new_message', line(1000))
  const { length } = socket.emitted
  socket.joined().answer({ ok: false, code: 'event.too_many', message: '', retryAfterMs: 300 })
  mock.timers.tick(299)
  assert.equal(socket.emitted.length, length)
  mock.timers.tick(1)
  assert.equal(socket.emitted.length, length + 1)
  socket.joined().answer({ ok: false, code: 'stream.not_live', message: '' })
  assert.deepEqual(refusals, ['stream.not_live'])
  assert.deepEqual(seen, [...upTo(502), 1000])
  mock.timers.reset()
})

test('an empty room is rejoined from its beginning', () => {
  const seen = enter()
  history(1, 0, false)
  socket.disconnect().connect()
  assert.equal(socket.joined().afterSeq, 0)
  history(1, 30, false)
  assert.deepEqual(seen, upTo(30))
})

test('a draining server tells the client when to reconnect', () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  socket.receive('server_draining', { reconnectInMs: 2000 })
  mock.timers.tick(1999)
  assert.equal(socket.connects, 1, 'the client stays until then')
  mock.timers.tick(1)
  assert.equal(socket.connects, 2)

  socket.receive('server_draining', { reconnectInMs: 2000 })
  socket.disconnect().connect()
  mock.timers.tick(2000)
  assert.equal(socket.connects, 3, 'it had reconnected by itself')
  mock.timers.reset()
})

test('read events are delivered until the listener unsubscribes', () => {
  const received = []
  const end = page.onRead((read) => received.push(read))
  const read = { ids: [7], all: false, unreadCount: 2 }
  socket.receive('notification_read', read)
  end()
  socket.receive('notification_read', { ids: [], all: true, unreadCount: 0 })
  assert.deepEqual(received, [read])
})

test('possibly missed events cause a refresh: after a reconnection, and after an expired token', () => {
  let times = 0
  const end = page.onMissed(() => (times += 1))
  socket.disconnect().connect()
  assert.equal(times, 1)
  socket.receive('notification_room_joined', { room: 'user_5' })
  assert.equal(times, 1, 'nothing was missed in between')
  socket.receive('token_expired', {})
  assert.equal(times, 1, 'a guest has no notifications')
  socket.receive('notification_room_joined', { room: 'user_5' })
  assert.equal(times, 2)
  end()
  socket.disconnect().connect()
  assert.equal(times, 2)
})
