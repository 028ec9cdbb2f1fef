// The page's Socket.IO connection, which follows the session.
import { io, type Socket } from 'socket.io-client'
import { api } from '../client/api'
import { randomId } from '../client/idempotency'
import { onChange, renew, token } from '../client/session'
import type { Ack, ClientEvents, RoomEvents, ServerEvents } from './events'
import { inOrder } from './message-order'

const ACK_TIMEOUT_MS = 10_000
/** Temporary reasons for which a room cannot be joined. */
const RETRYABLE = ['event.too_many', 'service.unavailable']
const JOIN_RETRY_MS = 1000
/** For too many sockets, or an unavailable service. */
const REFUSED_RETRY_MS = 30_000

interface RoomListeners extends Partial<{ [Name in keyof RoomEvents]: (data: RoomEvents[Name]) => void }> {
  joined?: () => void
  refused?: (code: string) => void
}
export interface Room {
  send: (message: string) => Promise<Ack>
  leave: () => void
}

const rooms = new Set<() => void>()
const refreshers = new Set<() => void>()
const socket: Socket<ServerEvents, ClientEvents> = io({
  autoConnect: false,
  transports: ['websocket', 'polling'],
  auth: (callback) => callback(token() ? { token: token() } : {}),
})

/** Subscribes to notifications; returns the unsubscriber. */
export function onNotification(listener: ServerEvents['new_notification']) {
  socket.on('new_notification', listener)
  return () => void socket.off('new_notification', listener)
}

/** Subscribes to notifications being read, in any tab; returns the unsubscriber. */
export function onRead(listener: ServerEvents['notification_read']) {
  socket.on('notification_read', listener)
  return () => void socket.off('notification_read', listener)
}

/** Calls `refresh` when events about notifications may have been missed; returns the unsubscriber. */
export function onMissed(refresh: () => void) {
  refreshers.add(refresh)
  return () => void refreshers.delete(refresh)
}

function refreshAll() {
  for (const refresh of refreshers) refresh()
}

async function renewToken() {
  const stale = token()
  if (stale) await renew(stale).catch(() => {})
}

socket.on('connect', () => {
  if (token()) socket.emit('join_notification_room')
  for (const join of rooms) join()
  refreshAll()
})
socket.on('connect_error', async ({ message }) => {
  // Unless the server refused the connection, the library reconnects by itself.
  if (socket.active) return
  const isTokenError = message.startsWith('auth.')
  if (isTokenError) await renewToken()
  setTimeout(() => socket.connect(), isTokenError ? 1000 : REFUSED_RETRY_MS)
})
socket.on('token_expired', () => {
  // Until it is authenticated again, the socket is a guest's and gets no notifications.
  socket.once('notification_room_joined', refreshAll)
  void renewToken()
})
socket.on('server_draining', ({ reconnectInMs }) => {
  // Stay until then, so that no events are missed. If the server closes the socket earlier, it reconnects by
  // itself.
  const { id } = socket
  setTimeout(() => (socket.id === id || !socket.connected) && reconnect(), reconnectInMs)
})
socket.on('disconnect', async (reason) => {
  if (reason !== 'io server disconnect') return
  // The server disconnects sockets when their session ends and when it stops. Any call tells whether the
  // token still works.
  if (token()) await api.GET('/api/users/me').catch(() => {})
  setTimeout(() => socket.connect(), 500 + Math.random() * 1500)
})
onChange((reason) => {
  if (reason === 'edited') return
  const fresh = token()
  if (reason !== 'renewed' || !fresh || !socket.connected) return reconnect()
  socket.emit('authenticate', { token: fresh }, (ack) => {
    if (ack.ok) socket.emit('join_notification_room')
  })
})

export const connect = () => void socket.connect()
const reconnect = () => void socket.disconnect().connect()

/** Joins a room, and rejoins it after each reconnection until no messages are missing. */
export function room(streamId: number, { joined, refused, ...listeners }: RoomListeners): Room {
  const { last, flush, ...ordered } = inOrder(listeners, () => join())
  const handlers = Object.entries({ ...listeners, ...ordered }) as [
    keyof RoomEvents,
    (data: { streamId: number }) => void,
  ][]
  const offs = handlers.map(([event, listener]) => {
    const mine = (data: { streamId: number }) => {
      if (data.streamId === streamId) listener(data)
    }
    socket.on(event, mine)
    return () => void socket.off(event, mine)
  })
  const join = () =>
    void socket.emit('join_stream_room', { streamId, afterSeq: last() }, (answer) => {
      if (answer.ok) return joined?.()
      if (RETRYABLE.includes(answer.code))
        return void setTimeout(rejoin, answer.retryAfterMs ?? JOIN_RETRY_MS)
      flush()
      refused?.(answer.code)
    })
  const rejoin = () => {
    if (rooms.has(join) && socket.connected) join()
  }
  rooms.add(join)
  if (socket.connected) join()
  return {
    send: async (message) => {
      try {
        return await socket
          .timeout(ACK_TIMEOUT_MS)
          .emitWithAck('chat_message', { streamId, message, clientMessageId: randomId() })
      } catch {
        throw new Error('The message was not sent.')
      }
    },
    leave: () => {
      rooms.delete(join)
      for (const off of offs) off()
      if (socket.connected) socket.emit('leave_stream_room', { streamId })
    },
  }
}
