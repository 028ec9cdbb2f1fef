// The socket: one for the page, whoever is signed in.
import { io, type Socket } from 'socket.io-client'
import { api } from '../client/api'
import { randomId } from '../client/repeat'
import { onChange, renew, token } from '../client/session'
import type { Acknowledgement, ClientEvents, RoomEvents, ServerEvents } from './events'
import { inOrder } from './lines'

const ACKNOWLEDGEMENT_MS = 10_000
/** A room that cannot be joined for a reason that passes is asked again. */
const PASSING = ['event.too_many', 'service.unavailable']
const JOIN_AGAIN_MS = 1000
/** Too many tabs, or a service that is away. */
const REFUSED_AGAIN_MS = 30_000

interface RoomListeners extends Partial<{ [Name in keyof RoomEvents]: (data: RoomEvents[Name]) => void }> {
  joined?: () => void
  refused?: (code: string) => void
}
export interface Room {
  say: (message: string) => Promise<Acknowledgement>
  leave: () => void
}

const rooms = new Set<() => void>()
const readers = new Set<() => void>()
const socket: Socket<ServerEvents, ClientEvents> = io({
  autoConnect: false,
  transports: ['websocket', 'polling'],
  auth: (answer) => answer(token() ? { token: token() } : {}),
})

/** Answers what ends the listening. */
export function onNotice(listener: ServerEvents['new_notification']) {
  socket.on('new_notification', listener)
  return () => void socket.off('new_notification', listener)
}

/** What was read, in this tab or another. Answers what ends the listening. */
export function onRead(listener: ServerEvents['notification_read']) {
  socket.on('notification_read', listener)
  return () => void socket.off('notification_read', listener)
}

/** Calls who has to read again, as notices or what was read may have been missed. Answers what ends that. */
export function onMissed(reader: () => void) {
  readers.add(reader)
  return () => void readers.delete(reader)
}

function readAgain() {
  for (const read of readers) read()
}

async function renewed() {
  const stale = token()
  if (stale) await renew(stale).catch(() => {})
}

socket.on('connect', () => {
  if (token()) socket.emit('join_notification_room')
  for (const join of rooms) join()
  readAgain()
})
socket.on('connect_error', async ({ message }) => {
  // Without a refusal it tries again by itself.
  if (socket.active) return
  const isOurs = message.startsWith('auth.')
  if (isOurs) await renewed()
  setTimeout(() => socket.connect(), isOurs ? 1000 : REFUSED_AGAIN_MS)
})
socket.on('token_expired', () => {
  // Until it is signed in again it is a guest's, who hears nothing of anybody's notices.
  socket.once('notification_room_joined', readAgain)
  void renewed()
})
socket.on('server_draining', ({ reconnectInMs }) => {
  // Until then there is more to hear. The server may close the socket earlier; then it is connected again
  // already, or about to be.
  const { id } = socket
  setTimeout(() => (socket.id === id || !socket.connected) && reconnect(), reconnectInMs)
})
socket.on('disconnect', async (reason) => {
  if (reason !== 'io server disconnect') return
  // The server closes the sockets of a session that is over; a deployment does it too, and then the token
  // still works. Any call finds out which.
  if (token()) await api.GET('/api/users/me').catch(() => {})
  setTimeout(() => socket.connect(), 500 + Math.random() * 1500)
})
onChange((reason) => {
  if (reason === 'edited') return
  const fresh = token()
  if (reason !== 'renewed' || !fresh || !socket.connected) return reconnect()
  socket.emit('authenticate', { token: fresh }, (answer) => {
    if (answer.ok) socket.emit('join_notification_room')
  })
})

export const connect = () => void socket.connect()
const reconnect = () => void socket.disconnect().connect()

/** A room that is joined again after each reconnection, from the last message seen, until nothing is missing. */
export function room(streamId: number, { joined, refused, ...listeners }: RoomListeners): Room {
  const { last, release, ...ordered } = inOrder(listeners, () => join())
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
      if (PASSING.includes(answer.code))
        return void setTimeout(joinAgain, answer.retryAfterMs ?? JOIN_AGAIN_MS)
      release()
      refused?.(answer.code)
    })
  const joinAgain = () => {
    if (rooms.has(join) && socket.connected) join()
  }
  rooms.add(join)
  if (socket.connected) join()
  return {
    say: async (message) => {
      try {
        return await socket
          .timeout(ACKNOWLEDGEMENT_MS)
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
