// The socket: one for the page, whoever is signed in.
import { io } from '/vendor/socket.io.js'
import { forget, onChange, renew, session } from './session.js'

const rooms = new Map()
const socket = io({
  autoConnect: false,
  transports: ['websocket', 'polling'],
  auth: (answer) => answer(session() ? { token: session().token } : {}),
})

export const on = (event, listener) => {
  socket.on(event, listener)
  return () => socket.off(event, listener)
}

socket.on('connect', () => {
  if (session()) socket.emit('join_notification_room')
  for (const room of rooms.values()) room.join()
})
socket.on('connect_error', async (error) => {
  if (!String(error.message).startsWith('auth.')) return
  await renew().catch(() => {})
  setTimeout(() => socket.connect(), 1000)
})
socket.on('token_expired', () => renew().catch(() => {}))
socket.on('disconnect', async (reason) => {
  // The server closes the sockets of a session that is over; a deployment does it too, and then the token still works.
  if (reason !== 'io server disconnect') return
  const token = session()?.token
  const me = token ? await fetch('/api/users/me', { headers: { authorization: `Bearer ${token}` } }).catch(() => null) : null
  if (me?.status === 401) forget()
  setTimeout(() => socket.connect(), 500 + Math.random() * 1500)
})
onChange((reason) => {
  if (reason === 'start') return socket.connect()
  if (reason === 'renewed' && session() && socket.connected) {
    return socket.emit('authenticate', { token: session().token }, (answer) => {
      if (answer.ok) socket.emit('join_notification_room')
    })
  }
  socket.disconnect().connect()
})

// A room that is joined again after each reconnection, from the last message seen. `listeners` are by event name.
export function room(streamId, listeners) {
  let lastSeq
  const mine = (listener) => (data) => data?.streamId === streamId && listener(data)
  const handlers = Object.entries({
    ...listeners,
    recent_chat_history: (data) => {
      data.messages.forEach((message) => see(message))
      listeners.history?.(data.messages)
    },
    new_message: (message) => see(message) && listeners.message?.(message),
  }).map(([event, listener]) => [event, mine(listener)])
  for (const [event, handler] of handlers) socket.on(event, handler)

  function see(message) {
    if (lastSeq !== undefined && message.seq <= lastSeq) return false
    lastSeq = message.seq
    return true
  }
  const self = {
    join: () => socket.emit('join_stream_room', { streamId, afterSeq: lastSeq }, (answer) => {
      if (answer.ok) listeners.joined?.()
      else listeners.refused?.(answer)
    }),
    say: (message) => socket.timeout(10_000).emitWithAck('chat_message', {
      streamId, message, clientMessageId: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`,
    }),
    leave: () => {
      rooms.delete(streamId)
      for (const [event, handler] of handlers) socket.off(event, handler)
      if (socket.connected) socket.emit('leave_stream_room', { streamId })
    },
  }
  rooms.set(streamId, self)
  if (socket.connected) self.join()
  return self
}
